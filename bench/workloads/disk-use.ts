import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure } from '../figure.ts';
import { historyOf, type OrderWorkload, storeDirectory } from './workload.ts';

/** Bytes for one event of the history: all files as it was left, then compacted, then by part. */
export const diskUse: OrderWorkload = {
  name: 'disk-use',
  kind: 'orders',
  needs: 'history',
  withServers: false,
  async run(scene) {
    const { events } = historyOf(scene);
    const directory = storeDirectory(scene);
    const figure = (name: string, bytes: number): Figure => ({
      name,
      unit: 'bytes/event',
      value: bytes / events,
    });
    const left = bytesBelow(directory);
    const store = await scene.peer.open(directory);
    await store.compact();
    const parts = Object.entries(store.parts()).filter(([, bytes]) => bytes > 0);
    await store.close();
    return [
      figure('on disk, as left', left),
      figure('on disk, compacted', bytesBelow(directory)),
      ...parts.map(([name, bytes]) => figure(`compacted: ${name}`, bytes)),
    ];
  },
};

/** Allocated bytes: a log segment that is reserved counts. */
function bytesBelow(directory: string): number {
  let bytes = 0;
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name)).blocks * 512;
  }
  return bytes;
}
