/**
 * The databases a service has, by name. Each is opened at its first use, once, however many
 * requests come at a time; one that failed to open is tried again at the next.
 */
import { type Logger, TidemarkError } from '../base/index.ts';
import { Database } from '../database/index.ts';
import type { InstanceConfiguration } from './configuration.ts';
import { checkInstanceName } from './instance-name.ts';

export interface Instance {
  readonly name: string;
  readonly database: Database;
}

interface Slot {
  readonly configuration: InstanceConfiguration;
  opening: Promise<Instance> | undefined;
  instance: Instance | undefined;
}

export class Instances {
  readonly #slots = new Map<string, Slot>();
  readonly #logger: Logger;
  #closed = false;

  constructor(configurations: readonly InstanceConfiguration[], logger: Logger) {
    this.#logger = logger;
    for (const configuration of configurations) this.#add(configuration);
  }

  get names(): string[] {
    return [...this.#slots.keys()].sort();
  }

  /** The instance if it is open: most requests find it so, and need not wait. */
  opened(name: string): Instance | undefined {
    return this.#slots.get(name)?.instance;
  }

  /** @throws INSTANCE_UNKNOWN, and what opening a database throws */
  async open(name: string): Promise<Instance> {
    if (this.#closed) throw new TidemarkError('CLOSED', 'the service is shutting down');
    const slot = this.#slots.get(name);
    if (slot === undefined) throw this.#unknown(name);
    slot.opening ??= this.#open(slot).catch((error: unknown) => {
      slot.opening = undefined;
      throw error;
    });
    return slot.opening;
  }

  /** Closes what is open; what is being opened first. Closing twice is no error. */
  async close(): Promise<void> {
    this.#closed = true;
    const opened = await Promise.allSettled([...this.#slots.values()].map((slot) => slot.opening));
    const closings = opened.map((each) =>
      each.status === 'fulfilled' ? each.value?.database.close() : undefined,
    );
    const failed = (await Promise.allSettled(closings)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }

  #add(configuration: InstanceConfiguration): void {
    const { name } = configuration;
    checkInstanceName(name);
    if (this.#slots.has(name)) {
      throw new TidemarkError('INSTANCE_EXISTS', `there is an instance ${name} already`, { name });
    }
    this.#slots.set(name, { configuration, opening: undefined, instance: undefined });
  }

  async #open(slot: Slot): Promise<Instance> {
    const { name, directory, options } = slot.configuration;
    const logger = this.#logger;
    const database = await Database.open(directory, { logger, ...options });
    slot.instance = { name, database };
    return slot.instance;
  }

  #unknown(name: string): TidemarkError {
    const shown = JSON.stringify(name.slice(0, 64));
    return new TidemarkError('INSTANCE_UNKNOWN', `the service has no instance ${shown}`, { name });
  }
}
