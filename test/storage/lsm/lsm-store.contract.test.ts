import { join } from 'node:path';
import { NodeFiles } from '../../../base/index.ts';
import { CompactionStyle, LsmStore } from '../../../storage/lsm/index.ts';
import { keyspaceStoreContract, type StoreRequest } from '../../contracts/keyspace-store.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const root = temporaryDirectory();
let stores = 0;

/** Tables and levels so small that a handful of rows makes the store flush, merge and descend. */
function openStoresOf(compaction: CompactionStyle) {
  return async (request: StoreRequest) => {
    const directory = join(root, `store-${stores++}`);
    const open = () =>
      LsmStore.open({
        ...request,
        files: new NodeFiles(),
        directory,
        compaction,
        blockBytes: 64,
        tableBytesMax: 300,
        levelBytesMax: 600,
        mergeTablesMin: 2,
      });
    const store = await open();
    let newest = store;
    const reopen = async () => {
      await newest.close();
      newest = await open();
      return newest;
    };
    return { store, reopen };
  };
}

keyspaceStoreContract('LsmStore, leveled,', openStoresOf(CompactionStyle.leveled));
keyspaceStoreContract('LsmStore, size-tiered,', openStoresOf(CompactionStyle.sizeTiered));
