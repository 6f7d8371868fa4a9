/**
 * A whole run from one seed: random transactions, reads, time travel, maintenance, crashes and
 * faults on one database after the other, each held against a plain model.
 *
 * What the seed does not decide: in which order the thread pool ends deflating blocks, how long a
 * slice of a few milliseconds gets, and the generation number of a history. So a failing seed fails
 * again nearly always, but now and then takes a few attempts.
 */
import { AssertionError, strict as check } from 'node:assert';
import type { DatabaseOptions, IndexShape, JsonObject } from '../../database/index.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import {
  CHANGING,
  type FileOperation,
  type FileOperationKind,
  type Mishap,
  SimulatedFiles,
} from '../support/simulated-files.ts';
import { checkReads, checkVerification } from './check-database.ts';
import { checkIndexes } from './check-indexes.ts';
import { indexesOf } from './model-indexes.ts';
import { isRefusal, Session } from './session.ts';

export interface SimulationReport {
  readonly seed: number;
  steps: number;
  databases: number;
  commits: number;
  events: number;
  /** File operations. */
  operations: number;
  kills: number;
  powerLosses: number;
  faults: number;
  openings: number;
  checks: number;
}

/** A database is followed by another once it has this many commits: checking costs all of them. */
const COMMITS_MAX = 600;
const TRACE_MAX = 30;
const TABLE_NAMES = ['accounts', 'notes', 'orders', 'parts'];
const KEYS = 25;
/** Texts are all different, except where a row is written again. */
const INDEXES = {
  by_amount: { on: 'amount' },
  by_equal_amount: { on: 'amount', type: 'equality' },
  by_both: { on: ['amount', 'text'] },
  by_word: { on: 'text', type: 'text' },
  by_text: { on: '$.text', unique: true },
} as const satisfies Readonly<Record<string, IndexShape>>;
const KEEP_ALL = { keepLast: 100_000, keepPerDoubling: 1 };
const KEEP_FEW = { keepLast: 2, keepPerDoubling: 1 };

/** How often each is done. */
const ACTIONS = {
  group: 60,
  interactive: 4,
  check: 4,
  verify: 1,
  flush: 5,
  compact: 2,
  snapshot: 4,
  release: 2,
  createTable: 2,
  alterTable: 1,
  dropTable: 0.3,
  createIndex: 3,
  rebuildIndex: 1,
  dropIndex: 0.7,
  reopen: 2,
  kill: 1,
  powerLoss: 1.5,
  crashSoon: 3,
  faultSoon: 3,
  fullDisk: 0.3,
  clock: 1,
} as const;
type Action = keyof typeof ACTIONS;

/** @throws AssertionError that names seed and step */
export async function simulate(seed: number, steps: number): Promise<SimulationReport> {
  const simulation = new Simulation(seed);
  try {
    await simulation.run(steps);
  } catch (error) {
    const { step, trace } = simulation;
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new AssertionError({
      message: `seed ${seed} fails at step ${step}, after ${trace.join(', ')}:\n${reason}`,
    });
  } finally {
    await simulation.end();
  }
  return simulation.report;
}

class Simulation {
  step = 0;
  /** The newest actions. */
  readonly trace: string[] = [];
  readonly report: SimulationReport;
  readonly #random: SeededRandom;
  #session: Session;
  /** Maintenance that nobody waits for yet. */
  #background: Promise<void>[] = [];
  /** What one of them failed with, if that is no refusal. */
  #failure: unknown;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
    this.report = {
      seed,
      steps: 0,
      databases: 0,
      commits: 0,
      events: 0,
      operations: 0,
      kills: 0,
      powerLosses: 0,
      faults: 0,
      openings: 0,
      checks: 0,
    };
    this.#session = this.#newSession();
  }

  async run(steps: number): Promise<void> {
    await this.#open();
    while (this.step < steps) {
      this.step++;
      this.report.steps++;
      await this.#next(this.#random.weighted(ACTIONS));
      if (this.#session.model.commits.length > COMMITS_MAX) await this.#beginAnew();
    }
    await this.#verify();
    await this.#check();
    await this.#session.close();
    check.equal(this.#session.files.openFiles, 0, 'files left open');
  }

  async end(): Promise<void> {
    await Promise.allSettled(this.#background);
    await this.#session.close().catch(() => {});
    this.#countAll();
  }

  async #next(action: Action): Promise<void> {
    this.trace.push(action);
    if (this.trace.length > TRACE_MAX) this.trace.shift();
    try {
      await this.#act(action);
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      if (!this.#session.files.isDead && !isRefusal(error)) throw error;
      await this.#recover();
    }
  }

  async #act(action: Action): Promise<void> {
    const session = this.#session;
    const random = this.#random;
    if (session.model.ownTables().length === 0) await this.#changeCatalog('createTable');
    switch (action) {
      case 'group':
        return this.#group(random.between(1, 8));
      case 'interactive':
        return this.#interactive();
      case 'check':
        await this.#settle();
        return this.#check();
      case 'verify':
        return this.#verify();
      case 'flush':
        return this.#maybeLater(() => session.database.flush());
      case 'compact':
        return this.#maybeLater(() => session.database.compact());
      case 'snapshot':
        return this.#maybeLater(() => session.takeSnapshot());
      case 'release':
        return this.#release();
      case 'createTable':
      case 'alterTable':
      case 'dropTable':
        return this.#changeCatalog(action);
      case 'createIndex':
      case 'rebuildIndex':
      case 'dropIndex':
        return this.#changeIndexes(action);
      case 'reopen':
        await this.#settle();
        await session.close();
        check.equal(session.files.openFiles, 0, 'files left open');
        return this.#open();
      case 'kill':
        return this.#crash('killed');
      case 'powerLoss':
        return this.#crash('powerLost');
      case 'crashSoon':
        return this.#arm('changes', random.between(0, 40), 'crash');
      case 'faultSoon':
        return this.#armFault();
      case 'fullDisk':
        return this.#fullDisk();
      case 'clock':
        session.clock.micros += random.between(-60_000_000, 60_000_000);
        return;
    }
  }

  /** Commits that are decided one after the other and reach the disk together. */
  async #group(commits: number): Promise<void> {
    const results = await Promise.allSettled(Array.from({ length: commits }, () => this.#commit()));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  #commit(): Promise<void> {
    const random = this.#random;
    const metadata = {
      ...(random.chance(0.5) ? { actor: `clerk ${random.below(3)}` } : {}),
      ...(random.chance(0.3) ? { correlationId: `order ${random.below(9)}` } : {}),
    };
    return this.#session.commit((changes) => {
      for (const { name, keyed } of this.#tables()) {
        if (!keyed) {
          if (random.chance(0.5)) changes.put(name, undefined, this.#row());
          if (random.chance(0.7)) continue;
        }
        const first = random.between(1, KEYS);
        const last = first + random.below(4);
        for (let id = first; id <= last; id++) this.#change(changes, name, id, keyed);
      }
      if (random.chance(0.4)) this.#changeKeys(changes);
    }, metadata);
  }

  #change(
    changes: Parameters<Parameters<Session['commit']>[0]>[0],
    name: string,
    id: number,
    keyed: boolean,
  ): void {
    const random = this.#random;
    const row = changes.get(name, id);
    // Rows under keys that the store gives are changed only where they are.
    if (!keyed && row === undefined) return;
    if (random.chance(0.2)) changes.put(name, id, undefined);
    else if (random.chance(0.1) && row !== undefined) changes.put(name, id, row);
    else changes.put(name, id, keyed ? { id, ...this.#row() } : this.#row());
  }

  async #interactive(): Promise<void> {
    const [table] = this.#tables().filter(({ keyed }) => keyed);
    if (table === undefined) return;
    const random = this.#random;
    const first = random.between(1, KEYS);
    await this.#session.interactive(
      (changes) => {
        for (let id = first; id < first + 3; id++) this.#change(changes, table.name, id, true);
        if (random.chance(0.5)) this.#changeKeys(changes);
      },
      () => (random.chance(0.5) ? this.#group(2) : Promise.resolve()),
    );
  }

  /** Each at most once in a commit; one of them is no UTF-8. */
  #changeKeys(changes: Parameters<Parameters<Session['commit']>[0]>[0]): void {
    const random = this.#random;
    const first = random.between(0, KEYS);
    for (let i = first; i <= first + random.below(4); i++) {
      const key = i === 0 ? 'k\udcff' : `k${i}`;
      if (random.chance(0.3)) changes.getKey(key);
      const bytes = Buffer.from(Array.from({ length: random.below(40) }, () => random.below(256)));
      changes.putKey(key, random.chance(0.25) ? undefined : bytes);
    }
  }

  #row(): JsonObject {
    const random = this.#random;
    const text = random.next().toString(36).repeat(random.between(1, 6));
    return { amount: random.below(200), text };
  }

  #tables(): { name: string; keyed: boolean }[] {
    return this.#session.model
      .ownTables()
      .map(({ name, definition }) => ({ name, keyed: definition.primaryKey !== undefined }));
  }

  async #release(): Promise<void> {
    const { database, model } = this.#session;
    const snapshots = database.snapshots.list();
    if (snapshots.length === 0 || model.position === 0) return;
    await this.#settle();
    const left = database.snapshots.list();
    if (left.length > 0) await this.#session.releaseSnapshot(this.#random.pick(left).name);
  }

  async #changeCatalog(action: 'createTable' | 'alterTable' | 'dropTable'): Promise<void> {
    const random = this.#random;
    const session = this.#session;
    const live = session.model.ownTables().map(({ name }) => name);
    if (action === 'createTable') {
      const name = TABLE_NAMES.find((each) => !live.includes(each));
      if (name === undefined) return;
      const keyed = random.chance(0.7);
      return session.createTable(name, keyed ? { primaryKey: 'id', keyType: 'integer' } : {});
    }
    if (live.length === 0) return;
    const name = random.pick(live);
    if (action === 'dropTable') return session.dropTable(name);
    const properties = { id: {}, amount: { type: 'integer' }, text: { type: 'string' } };
    const title = `version ${session.model.position}`;
    const { primaryKey } = session.model.table(name)!.definition;
    const id = primaryKey === undefined ? {} : { type: 'integer' };
    await session.alterTable(name, { title, type: 'object', properties: { ...properties, id } });
  }

  async #changeIndexes(action: 'createIndex' | 'rebuildIndex' | 'dropIndex'): Promise<void> {
    const random = this.#random;
    const session = this.#session;
    const { name: table, definition } = random.pick(session.model.ownTables());
    const names = [...new Set(indexesOf(definition).map(({ name }) => name))];
    if (action === 'createIndex') {
      const kinds = Object.entries(INDEXES).filter(([kind]) => !names.includes(`${table}_${kind}`));
      if (kinds.length === 0) return;
      const [kind, shape] = random.pick(kinds);
      return session.createIndex(`${table}_${kind}`, table, shape);
    }
    if (names.length === 0) return;
    return session[action](random.pick(names), table);
  }

  /** Half of the time while other things go on. */
  async #maybeLater(work: () => Promise<void>): Promise<void> {
    const running = work();
    if (this.#random.chance(0.5)) return running;
    const { files } = this.#session;
    const done = running.catch((error: unknown) => {
      if (!files.isDead && !isRefusal(error)) this.#failure ??= error;
    });
    this.#background.push(done);
  }

  async #settle(): Promise<void> {
    await Promise.all(this.#background.splice(0));
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #check(): Promise<void> {
    const { database, model } = this.#session;
    const random = new SeededRandom(this.#random.below(2 ** 31));
    this.report.checks++;
    checkReads(database, model, { random, moments: 3, rows: 5, snapshots: this.#snapshots() });
    await checkIndexes(database, model);
  }

  /** Those that must be there; where retention lets some go, nobody says which. */
  #snapshots(): ReadonlySet<string> {
    const { snapshots, options } = this.#session;
    return options.snapshotRetention === KEEP_ALL ? snapshots : new Set();
  }

  /** Without mishaps: what a verification cannot read counts as damage. */
  async #verify(): Promise<void> {
    this.#session.files.befalls = () => undefined;
    await this.#settle();
    if (this.#session.files.isDead || !(await this.#session.goesOn())) await this.#recover();
    await checkVerification(this.#session.database, this.#session.model);
  }

  #arm(operations: 'changes' | 'reads', after: number, mishap: Mishap, kind?: FileOperationKind) {
    const { files } = this.#session;
    const at = files[operations] + after;
    files.befalls = (operation: FileOperation) => {
      if (operation[operations] < at) return undefined;
      if (kind !== undefined && operation.kind !== kind) return undefined;
      if (kind === undefined && !CHANGING.includes(operation.kind)) return undefined;
      files.befalls = () => undefined;
      return mishap;
    };
  }

  #armFault(): void {
    const random = this.#random;
    const kind = random.pick([
      'write',
      'sync',
      'openWrite',
      'truncate',
      'remove',
      'rename',
      'syncDirectory',
      'openRead',
      'read',
    ] as const);
    const isRead = kind === 'openRead' || kind === 'read';
    if (isRead) this.#session.oneByOne = true;
    const mishap = kind.startsWith('open') && random.chance(0.5) ? 'EMFILE' : 'EIO';
    this.#arm(isRead ? 'reads' : 'changes', random.between(0, 15), mishap, kind);
  }

  async #fullDisk(): Promise<void> {
    const { files } = this.#session;
    files.bytesMax = files.bytesUsed() + this.#random.below(6000);
    const group = this.#group(5);
    const isOver = group.then(
      () => {},
      () => {},
    );
    for (let i = 0; i < 50; i++) await new Promise(setImmediate);
    files.bytesMax = Number.POSITIVE_INFINITY;
    await isOver;
    await group;
  }

  async #crash(kind: 'killed' | 'powerLost'): Promise<void> {
    // Without fsync a power loss takes what was acknowledged: that is what was asked for.
    const how = this.#session.options.durability === 'os' ? 'killed' : kind;
    this.report[how === 'killed' ? 'kills' : 'powerLosses']++;
    this.trace.push(how);
    const dying = this.#session.files;
    await this.#session.crash(how, this.#random.below(2 ** 31));
    await this.#settle();
    this.#count(dying);
    await this.#open();
    await this.#check();
  }

  /** After an error: goes on where the database does, else it is opened again. */
  async #recover(): Promise<void> {
    const session = this.#session;
    this.trace.push('recover');
    session.files.befalls = () => undefined;
    session.oneByOne = false;
    if (!session.isOpen) return this.#open();
    if (session.files.isDead) return this.#crash(this.#random.pick(['killed', 'powerLost']));
    await this.#settle();
    const isGoingOn = await session.goesOn();
    session.adopt();
    const { position } = session.database.log.head;
    check(position >= session.model.acknowledged, 'reads see all that was acknowledged');
    const { database, model } = session;
    const seen = isGoingOn ? model : model.upTo(position);
    const random = new SeededRandom(1);
    const options = { random, moments: 2, rows: 3, snapshots: this.#snapshots(), decided: model };
    checkReads(database, seen, options);
    if (isGoingOn) return;
    if (this.#random.chance(0.6)) return this.#crash(this.#random.pick(['killed', 'powerLost']));
    await session.close().catch(() => {});
    await session.crash('killed', 1);
    await this.#open();
  }

  /** What is armed may hit the opening, too; then it is tried again. */
  async #open(): Promise<void> {
    const session = this.#session;
    session.oneByOne = false;
    for (let left = 3; ; left--) {
      this.report.openings++;
      try {
        return await session.open();
      } catch (error) {
        if (error instanceof AssertionError || left === 0) throw error;
        if (!session.files.isDead && !isRefusal(error)) throw error;
        session.files.befalls = () => undefined;
        if (session.files.isDead) await session.crash(this.#random.pick(['killed']), left);
      }
    }
  }

  async #beginAnew(): Promise<void> {
    this.trace.push('anew');
    await this.#settle();
    this.#session.files.befalls = () => undefined;
    await this.#session.close().catch(() => {});
    this.#countAll();
    this.#session = this.#newSession();
    await this.#open();
  }

  #newSession(): Session {
    const random = this.#random;
    this.report.databases++;
    const options: DatabaseOptions = {
      memtableBytes: random.pick([2000, 6000, 20_000]),
      segmentBytes: random.pick([4096, 16_384]),
      blockCacheBytes: random.pick([0, 64 * 1024]),
      compaction: random.pick(['leveled', 'size-tiered']),
      snapshotEvery: random.pick([false, 15, 60]),
      snapshotRetention: random.pick([KEEP_ALL, KEEP_FEW]),
      durability: random.chance(0.9) ? 'fsync' : 'os',
      statesKept: random.below(4),
    };
    return new Session(new SimulatedFiles(random.below(2 ** 31)), options);
  }

  #countAll(): void {
    const { model, files } = this.#session;
    this.report.commits += model.commits.length;
    this.report.events += model.position;
    this.#count(files);
  }

  /** What a process did to its files, when it has come to its end. */
  #count(files: SimulatedFiles): void {
    this.report.operations += files.changes + files.reads;
    this.report.faults += files.mishaps;
  }
}
