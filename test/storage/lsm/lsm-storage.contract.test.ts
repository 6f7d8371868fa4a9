import { join } from 'node:path';
import { LsmStorage } from '../../../storage/lsm/index.ts';
import { storageEngineContract } from '../../contracts/storage-engine.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const root = temporaryDirectory();
let engines = 0;

/** Memtables so small that some writes fill one: flushes and compactions run all the time. */
storageEngineContract('LsmStorage', async () => {
  const options = {
    directory: join(root, `engine-${engines++}`),
    memtableBytesMax: 500,
    blockBytes: 64,
    tableBytesMax: 400,
    levelBytesMax: 800,
    mergeTablesMin: 2,
  };
  const engine = await LsmStorage.open(options);
  let newest = engine;
  const reopen = async () => {
    await newest.close();
    newest = await LsmStorage.open(options);
    return newest;
  };
  return { engine, reopen };
});
