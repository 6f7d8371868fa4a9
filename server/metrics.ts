/**
 * Figures for Prometheus. What a database counts by itself is read when it is asked for; only
 * requests and their latencies are counted here.
 */
import { Counter, Gauge, Registry } from 'prom-client';
import type { DatabaseStatistics } from '../database/index.ts';
import type { Followers } from './followers.ts';
import type { Instances } from './instances.ts';
import type { OpenTransactions } from './open-transactions.ts';
import { RequestTimes } from './request-times.ts';

export interface MetricsSources {
  readonly instances: Instances;
  readonly transactions: OpenTransactions;
  readonly followers: Followers;
}

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
  readonly #instances: Instances;
  /** Of the instances that are open, as of the last time somebody asked. */
  #current: ReadonlyMap<string, DatabaseStatistics> = new Map();
  /** Filled by every request. */
  readonly requests = new RequestTimes();

  constructor({ instances, transactions, followers }: MetricsSources) {
    const registers = [this.#registry];
    new Gauge({
      name: 'tidemark_open_transactions',
      help: 'Interactive transactions that are open',
      registers,
      collect() {
        this.set(transactions.size);
      },
    });
    this.#instances = instances;
    this.#addDatabases();
    this.#addKeyspaces();
    this.#addFollowers(followers);
    this.#addProcess();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** In the text format of Prometheus. */
  async text(): Promise<string> {
    const opened = [...this.#instances.allOpened()];
    this.#current = new Map(opened.map(({ name, database }) => [name, database.stats()]));
    return `${this.requests.text()}${await this.#registry.metrics()}`;
  }

  #addDatabases(): void {
    const current = () => this.#current;
    for (const [name, help, read] of FIGURES) {
      new Gauge({
        name: `tidemark_${name}`,
        help,
        labelNames: ['instance'],
        registers: [this.#registry],
        collect() {
          this.reset();
          for (const [instance, stats] of current()) this.set({ instance }, read(stats));
        },
      });
    }
  }

  #addKeyspaces(): void {
    const current = () => this.#current;
    new Gauge({
      name: 'tidemark_keyspace_bytes',
      help: 'Bytes of tables and memtables',
      labelNames: ['instance', 'keyspace', 'where'],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [instance, { storage }] of current()) {
          for (const { name: keyspace, tableBytes, memtableBytes } of storage.keyspaces) {
            this.set({ instance, keyspace, where: 'tables' }, tableBytes);
            this.set({ instance, keyspace, where: 'memtables' }, memtableBytes);
          }
        }
      },
    });
  }

  #addFollowers(followers: Followers): void {
    const current = () => this.#current;
    const registers = [this.#registry];
    new Gauge({
      name: 'tidemark_followers',
      help: 'Who follows the changes',
      labelNames: ['instance'],
      registers,
      collect() {
        this.reset();
        for (const instance of current().keys()) {
          this.set({ instance }, [...followers.list(instance)].length);
        }
      },
    });
    new Gauge({
      name: 'tidemark_follower_lag_events',
      help: 'Events that the follower furthest behind has not been sent',
      labelNames: ['instance'],
      registers,
      collect() {
        this.reset();
        for (const [instance, { position }] of current()) {
          const lags = [...followers.list(instance)].map((each) => position - each.position);
          this.set({ instance }, Math.max(0, ...lags));
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
