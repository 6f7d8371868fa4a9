/**
 * Figures for Prometheus. What a database counts by itself is read when it is asked for; only
 * requests and their latencies are counted here.
 */
import { Counter, Gauge, Registry } from 'prom-client';
import type { DatabaseStatistics } from '../database/index.ts';
import type { Instances } from './instances.ts';
import type { OpenTransactions } from './open-transactions.ts';
import { RequestTimes } from './request-times.ts';

type Figure = readonly [name: string, help: string, read: (stats: DatabaseStatistics) => number];

const FIGURES: readonly Figure[] = [
  ['events', 'Position of the newest event: events of all time', ({ position }) => position],
  ['log_bytes', 'Bytes of log segments', ({ log }) => log.bytes],
  ['log_appends', 'Frames written since it was opened', ({ log }) => log.appends],
  ['log_bytes_appended', 'Bytes written to the log since', ({ log }) => log.bytesAppended],
  ['snapshots', 'Snapshots that are kept', ({ snapshots }) => snapshots],
  ['past_states', 'Past states kept in memory', ({ pastStatesKept }) => pastStatesKept],
  ['flushes', 'Flushes of memtables since it was opened', ({ storage }) => storage.flushes],
  ['compactions', 'Compactions since it was opened', ({ storage }) => storage.compactions],
  ['bytes_flushed', 'Bytes written by flushes', ({ storage }) => storage.bytesFlushed],
  ['bytes_compacted', 'Bytes written by compactions', ({ storage }) => storage.bytesCompacted],
  ['compaction_debt', 'Bytes that wait for compaction', ({ storage }) => storage.compactionDebt],
  ['block_cache_bytes', 'Bytes of cached blocks', ({ storage }) => storage.blockCacheBytes],
  ['block_cache_hits', 'Reads of blocks that were cached', ({ storage }) => storage.blockCacheHits],
  [
    'block_cache_misses',
    'Reads of blocks that were not',
    ({ storage }) => storage.blockCacheMisses,
  ],
  ['open_views', 'Views that hold a state', ({ storage }) => storage.openViews],
  ['damaged', '1 if its log is damaged', ({ damage }) => (damage === undefined ? 0 : 1)],
  ['verified_position', 'Last position a self-check verified', verifiedPosition],
];

export class Metrics {
  readonly #registry = new Registry();
  /** Filled by every request. */
  readonly requests = new RequestTimes();

  constructor(instances: Instances, transactions: OpenTransactions) {
    const registers = [this.#registry];
    new Gauge({
      name: 'tidemark_open_transactions',
      help: 'Interactive transactions that are open',
      registers,
      collect() {
        this.set(transactions.size);
      },
    });
    this.#addDatabases(instances);
    this.#addKeyspaces(instances);
    this.#addProcess();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** In the text format of Prometheus. */
  async text(): Promise<string> {
    return `${this.requests.text()}${await this.#registry.metrics()}`;
  }

  #addDatabases(instances: Instances): void {
    for (const [name, help, read] of FIGURES) {
      new Gauge({
        name: `tidemark_${name}`,
        help,
        labelNames: ['instance'],
        registers: [this.#registry],
        collect() {
          this.reset();
          for (const { name: instance, database } of instances.allOpened()) {
            this.set({ instance }, read(database.stats()));
          }
        },
      });
    }
  }

  #addKeyspaces(instances: Instances): void {
    new Gauge({
      name: 'tidemark_keyspace_bytes',
      help: 'Bytes of tables and memtables',
      labelNames: ['instance', 'keyspace', 'where'],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const { name: instance, database } of instances.allOpened()) {
          for (const { name: keyspace, tableBytes, memtableBytes } of database.stats().storage
            .keyspaces) {
            this.set({ instance, keyspace, where: 'tables' }, tableBytes);
            this.set({ instance, keyspace, where: 'memtables' }, memtableBytes);
          }
        }
      },
    });
  }

  #addProcess(): void {
    new Gauge({
      name: 'tidemark_resident_bytes',
      help: 'Resident memory of the process',
      registers: [this.#registry],
      collect() {
        this.set(process.memoryUsage.rss());
      },
    });
    const cpu = new Counter({
      name: 'tidemark_cpu_seconds_total',
      help: 'Processor time of the process',
      registers: [this.#registry],
      collect() {
        const { user, system } = process.cpuUsage();
        this.reset();
        this.inc((user + system) / 1e6);
      },
    });
    cpu.reset();
  }
}

function verifiedPosition({ selfCheck }: DatabaseStatistics): number {
  return selfCheck?.lastPosition ?? 0;
}
