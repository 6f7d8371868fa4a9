import { TidemarkLevel, type TidemarkOpenOptions } from '../../level/index.ts';

/**
 * Flushes every few writes and merges what it flushed. Not by options of the constructor: the
 * published suite compares the options that come back to it.
 */
export class TinyLevel<K = string, V = string> extends TidemarkLevel<K, V> {
  protected override _open(options: TidemarkOpenOptions): Promise<void> {
    const memtableBytesMax = 100;
    const tables = { blockBytes: 64, tableBytesMax: 200, mergeTablesMin: 2, blockCacheBytesMax: 0 };
    return super._open({ ...options, ...tables, memtableBytesMax });
  }
}
