/**
 * Figures for Prometheus. What a database counts by itself is read when it is asked for; only
 * requests and their latencies are counted here.
 */
import { Counter, Gauge, Registry } from 'prom-client';
import type { DatabaseStatistics } from '../database/index.ts';
import { COUNTERS, type Figure, GAUGES, type Sample } from './figures.ts';
import type { Followers } from './followers.ts';
import type { Instances } from './instances.ts';
import type { OpenTransactions } from './open-transactions.ts';
import { RequestTimes } from './request-times.ts';

export interface MetricsSources {
  readonly instances: Instances;
  readonly transactions: OpenTransactions;
  readonly followers: Followers;
}

/** What is named and read when somebody asks. */
interface Asked {
  /** Without `tidemark_`. */
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly samples: () => Iterable<Sample>;
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #instances: Instances;
  /** Of the instances that are open, as of the last time somebody asked. */
  #current: ReadonlyMap<string, DatabaseStatistics> = new Map();
  /** Filled by every request. */
  readonly requests = new RequestTimes();

  constructor({ instances, transactions, followers }: MetricsSources) {
    this.#instances = instances;
    this.#gauge({
      name: 'instance_open',
      help: '1 if the instance is open; 0 if nobody has asked for it yet, or it could not be opened',
      labels: ['instance'],
      samples: () =>
        instances
          .list()
          .map(({ name: instance, open }) => ({ labels: { instance }, value: open ? 1 : 0 })),
    });
    for (const figure of COUNTERS) this.#counter(this.#ofEach(figure));
    for (const figure of GAUGES) this.#gauge(this.#ofEach(figure));
    this.#addCallers(transactions, followers);
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

  #ofEach({ name, help, labels, read }: Figure): Asked {
    const samples = () =>
      [...this.#current].flatMap(([instance, stats]) =>
        read(stats).map((sample) => ({
          labels: { instance, ...sample.labels },
          value: sample.value,
        })),
      );
    return { name, help, labels: ['instance', ...labels], samples };
  }

  #addCallers(transactions: OpenTransactions, followers: Followers): void {
    const ofInstances = (read: (instance: string, stats: DatabaseStatistics) => number) => ({
      labels: ['instance'],
      samples: () =>
        [...this.#current].map(([instance, stats]) => ({
          labels: { instance },
          value: read(instance, stats),
        })),
    });
    this.#gauge({
      name: 'open_transactions',
      help: 'Interactive transactions over HTTP that are open',
      ...ofInstances((instance) => transactions.count(instance)),
    });
    this.#gauge({
      name: 'followers',
      help: 'Who follows the changes',
      ...ofInstances((instance) => [...followers.list(instance)].length),
    });
    this.#gauge({
      name: 'follower_lag_events',
      help: 'Events that the follower furthest behind has not been sent',
      ...ofInstances((instance, { position }) => {
        const lags = [...followers.list(instance)].map((each) => position - each.position);
        return Math.max(0, ...lags);
      }),
    });
  }

  #addProcess(): void {
    this.#gauge({
      name: 'resident_bytes',
      help: 'Resident memory of the process',
      labels: [],
      samples: () => [{ value: process.memoryUsage.rss() }],
    });
    this.#counter({
      name: 'cpu_seconds_total',
      help: 'Processor time of the process',
      labels: [],
      samples: () => {
        const { user, system } = process.cpuUsage();
        return [{ value: (user + system) / 1e6 }];
      },
    });
  }

  #gauge({ name, help, labels: labelNames, samples }: Asked): void {
    new Gauge({
      name: `tidemark_${name}`,
      help,
      labelNames,
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const { labels = {}, value } of samples()) this.set(labels, value);
      },
    });
  }

  #counter({ name, help, labels: labelNames, samples }: Asked): void {
    new Counter({
      name: `tidemark_${name}`,
      help,
      labelNames,
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const { labels = {}, value } of samples()) this.inc(labels, value);
      },
    });
  }
}
