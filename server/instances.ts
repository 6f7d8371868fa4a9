/**
 * The databases a service has, by name. Each is opened at its first use, once, however many
 * requests come at a time; one that failed to open is tried again at the next.
 *
 * Invariants:
 * 1. A name is in the list on disk before it is answered to, and off it before its directory moves.
 * 2. Changes of the list run one after another.
 */
import { join } from 'node:path';
import {
  type Files,
  formatTime,
  type Logger,
  makeDirectory,
  systemClock,
  TidemarkError,
} from '../base/index.ts';
import { Database } from '../database/index.ts';
import { type InstanceConfiguration, resolveInstance } from './configuration.ts';
import { InstanceList, type NamedInstance } from './instance-list.ts';
import { checkInstanceName } from './instance-name.ts';

export interface Instance {
  readonly name: string;
  readonly database: Database;
}

export interface InstanceInfo {
  readonly name: string;
  readonly open: boolean;
  /** Whether the configuration names it; then it cannot be dropped at run time. */
  readonly configured: boolean;
}

export interface InstancesOptions {
  readonly configured: readonly InstanceConfiguration[];
  /** Holds the instances that are made at run time. */
  readonly dataDirectory: string;
  readonly files: Files;
  readonly logger: Logger;
}

interface Slot {
  readonly configuration: InstanceConfiguration;
  /** As it stands in the list; undefined for one that the configuration names. */
  readonly listed: NamedInstance | undefined;
  opening: Promise<Instance> | undefined;
  instance: Instance | undefined;
  isDropped: boolean;
}

/** Each has its own memtables, caches and files. */
const INSTANCES_MAX = 1000;
const DROPPED = 'dropped';

export class Instances {
  readonly #slots = new Map<string, Slot>();
  readonly #options: InstancesOptions;
  readonly #list: InstanceList;
  #lastChange: Promise<unknown> = Promise.resolve();
  #closed = false;

  /** @throws INSTANCE_EXISTS if a configured one has the name of one made at run time */
  constructor(options: InstancesOptions) {
    this.#options = options;
    this.#list = new InstanceList(options.files, options.dataDirectory);
    for (const configuration of options.configured) this.#add(configuration, undefined);
    for (const listed of this.#list.read()) {
      this.#add(resolveInstance(listed, options.dataDirectory), listed);
    }
  }

  /** The instance that paths without a name reach: `default`, or else the first one. */
  get defaultName(): string {
    const names = this.#options.configured.map(({ name }) => name);
    return names.includes('default') ? 'default' : (names[0] ?? 'default');
  }

  /** In order of their names. */
  list(): InstanceInfo[] {
    return [...this.#slots.values()]
      .map(({ configuration: { name }, instance, listed }) => ({
        name,
        open: instance !== undefined,
        configured: listed === undefined,
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Those that are open now. */
  *allOpened(): Generator<Instance> {
    for (const { instance } of this.#slots.values()) if (instance !== undefined) yield instance;
  }

  /** The instance if it is open: most requests find it so, and need not wait. */
  opened(name: string): Instance | undefined {
    return this.#slots.get(name)?.instance;
  }

  /** Whether one is being opened: until its log is replayed, who asks for it waits. */
  get isOpening(): boolean {
    return [...this.#slots.values()].some(
      ({ opening, instance, isDropped }) =>
        opening !== undefined && instance === undefined && !isDropped,
    );
  }

  /** Whether the instance has queries and indexes. */
  answersQueries(name: string): boolean {
    return this.#slots.get(name)?.configuration.query === true;
  }

  /** @throws INSTANCE_UNKNOWN, and what opening a database throws */
  async open(name: string): Promise<Instance> {
    this.#checkOpen();
    const slot = this.#slots.get(name);
    if (slot === undefined || slot.isDropped) throw unknownInstance(name);
    slot.opening ??= this.#open(slot).catch((error: unknown) => {
      slot.opening = undefined;
      throw error;
    });
    return slot.opening;
  }

  /** @throws INSTANCE_EXISTS, OVERLOADED, and what opening a database throws */
  create(listed: NamedInstance): Promise<Instance> {
    return this.#change(async () => {
      this.#checkOpen();
      if (this.#slots.has(listed.name)) throw existing(listed.name);
      if (this.#slots.size >= INSTANCES_MAX) {
        const most = `the service has ${this.#slots.size} instances; allowed: ${INSTANCES_MAX}`;
        throw new TidemarkError('OVERLOADED', most, { limit: INSTANCES_MAX });
      }
      await this.#list.write([...this.#listed(), listed]);
      this.#add(resolveInstance(listed, this.#options.dataDirectory), listed);
      return this.open(listed.name);
    });
  }

  /**
   * Closes an instance and moves its directory aside, under `dropped`: to delete what it holds is
   * for whoever looks after the disk.
   * @throws INSTANCE_UNKNOWN, INSTANCE_FIXED
   */
  drop(name: string): Promise<void> {
    return this.#change(async () => {
      this.#checkOpen();
      const slot = this.#slots.get(name);
      if (slot === undefined) throw unknownInstance(name);
      if (slot.listed === undefined) {
        const why = `the configuration names the instance ${name}; take it out there`;
        throw new TidemarkError('INSTANCE_FIXED', why, { name });
      }
      slot.isDropped = true;
      const opened = await slot.opening?.catch(() => undefined);
      slot.instance = undefined;
      await opened?.database.close();
      await this.#list.write(this.#listed().filter((each) => each.name !== name));
      await this.#moveAside(slot.configuration);
      this.#slots.delete(name);
    });
  }

  /** Closes what is open; what is being opened first. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#lastChange.catch(() => undefined);
    const opened = await Promise.allSettled([...this.#slots.values()].map((slot) => slot.opening));
    const closings = opened.map((each) =>
      each.status === 'fulfilled' ? each.value?.database.close() : undefined,
    );
    const failed = (await Promise.allSettled(closings)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }

  #change<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#lastChange.catch(() => undefined).then(work);
    this.#lastChange = done;
    return done;
  }

  #listed(): NamedInstance[] {
    return [...this.#slots.values()].flatMap(({ listed }) =>
      listed === undefined ? [] : [listed],
    );
  }

  #add(configuration: InstanceConfiguration, listed: NamedInstance | undefined): void {
    const { name } = configuration;
    checkInstanceName(name);
    if (this.#slots.has(name)) throw existing(name);
    const slot = { configuration, listed, opening: undefined, instance: undefined };
    this.#slots.set(name, { ...slot, isDropped: false });
  }

  async #open(slot: Slot): Promise<Instance> {
    const { name, directory, options } = slot.configuration;
    const { files, logger } = this.#options;
    const database = await Database.open(directory, { files, logger, ...options });
    const instance = { name, database };
    if (!slot.isDropped) slot.instance = instance;
    return instance;
  }

  async #moveAside({ name, directory }: InstanceConfiguration): Promise<void> {
    const { files, dataDirectory } = this.#options;
    if (!files.exists(directory)) return;
    const aside = join(dataDirectory, DROPPED);
    await makeDirectory(files, aside);
    const time = formatTime(systemClock.nowMicros()).replaceAll(':', '-');
    await files.rename(directory, join(aside, `${name}-${time}`));
    await files.syncDirectory(aside);
    await files.syncDirectory(dataDirectory);
  }

  #checkOpen(): void {
    if (this.#closed) throw new TidemarkError('CLOSED', 'the service is shutting down');
  }
}

function existing(name: string): TidemarkError {
  return new TidemarkError('INSTANCE_EXISTS', `there is an instance ${name} already`, { name });
}

function unknownInstance(name: string): TidemarkError {
  const shown = JSON.stringify(name.slice(0, 64));
  return new TidemarkError('INSTANCE_UNKNOWN', `the service has no instance ${shown}`, {
    name: name.slice(0, 64),
  });
}
