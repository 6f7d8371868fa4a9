/**
 * What a simulated disk holds: files and directories, each as programs see it and as it would be
 * after a power loss.
 *
 * A file is its bytes at the last sync and the writes since. At a power loss each sector of 512
 * bytes is found as it was after some number of these writes, each sector for itself: so writes are
 * kept, dropped, torn and reordered. The length is found likewise; what lies below it and was not
 * written is zeros, and what lies beyond is gone.
 */
import type { SeededRandom } from './seeded-random.ts';

export const SECTOR_BYTES = 512;

type Change =
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly size: number };

/** Bytes that grow at the end without being copied each time. */
class GrowingBytes {
  #buffer = Buffer.alloc(0);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  view(): Buffer {
    return this.#buffer.subarray(0, this.#size);
  }

  apply(change: Change): void {
    if (change.kind === 'truncate') this.resize(change.size);
    else this.write(change.bytes, change.offset);
  }

  write(bytes: Uint8Array, offset: number): void {
    if (bytes.length === 0) return;
    const end = offset + bytes.length;
    if (end > this.#size) this.resize(end);
    this.#buffer.set(bytes, offset);
  }

  resize(size: number): void {
    if (size > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(size, this.#buffer.length * 2));
      larger.set(this.view());
      this.#buffer = larger;
    }
    if (size < this.#size) this.#buffer.fill(0, size, this.#size);
    this.#size = size;
  }
}

export class SimulatedFile {
  readonly #seen = new GrowingBytes();
  readonly #durable = new GrowingBytes();
  #unsynced: Change[] = [];

  /** @param durable what it holds already */
  constructor(durable: Buffer = Buffer.alloc(0)) {
    this.#seen.write(durable, 0);
    this.#durable.write(durable, 0);
  }

  get size(): number {
    return this.#seen.size;
  }

  /** As programs see it. Valid until the next change. */
  bytes(): Buffer {
    return this.#seen.view();
  }

  /** What reaches the disk is whole sectors, as they are seen: a write takes its neighbours along. */
  write(bytes: Uint8Array, offset: number): void {
    if (bytes.length === 0) return;
    this.#seen.write(bytes, offset);
    const start = offset - (offset % SECTOR_BYTES);
    const end = Math.ceil((offset + bytes.length) / SECTOR_BYTES) * SECTOR_BYTES;
    const sectors = Buffer.from(this.#seen.view().subarray(start, end));
    this.#unsynced.push({ kind: 'write', offset: start, bytes: sectors });
  }

  truncate(size: number): void {
    this.#seen.resize(size);
    this.#unsynced.push({ kind: 'truncate', size });
  }

  sync(): void {
    for (const change of this.#unsynced) this.#durable.apply(change);
    this.#unsynced = [];
  }

  /**
   * Makes the sectors of one write durable and nothing else, as O_DSYNC does. A length that was cut
   * and is not on the disk yet is more than such a write answers for: then it makes nothing durable.
   */
  syncWritten(offset: number, length: number): void {
    if (length === 0 || this.#unsynced.some(({ kind }) => kind === 'truncate')) return;
    const start = offset - (offset % SECTOR_BYTES);
    const end = Math.ceil((offset + length) / SECTOR_BYTES) * SECTOR_BYTES;
    const sectors = this.#seen.view().subarray(start, end);
    this.#durable.write(sectors, start);
    // What was written there before must not come back.
    for (const change of this.#unsynced) {
      if (change.kind !== 'write') continue;
      const from = Math.max(start, change.offset);
      const to = Math.min(end, change.offset + change.bytes.length);
      if (from < to) change.bytes.set(this.#seen.view().subarray(from, to), from - change.offset);
    }
  }

  /**
   * What Linux does when a sync fails: programs still see what they wrote, but the pages count as
   * clean. No later sync brings them to the disk, unless they are written again.
   */
  loseUnsynced(): void {
    this.#unsynced = [];
  }

  /** Changes what is on the disk behind everybody's back. */
  damage(change: (bytes: Buffer) => Buffer): void {
    const damaged = Buffer.from(change(Buffer.from(this.bytes())));
    for (const bytes of [this.#seen, this.#durable]) {
      bytes.resize(0);
      bytes.write(damaged, 0);
    }
    this.#unsynced = [];
  }

  /** The file after a power loss. */
  afterPowerLoss(random: SeededRandom): SimulatedFile {
    const fate = random.weighted({ lost: 2, kept: 2, mixed: 6 });
    if (fate === 'lost' || this.#unsynced.length === 0) {
      return new SimulatedFile(this.#durable.view());
    }
    const states = this.#states();
    if (fate === 'kept') return new SimulatedFile(states.at(-1)!);
    return new SimulatedFile(this.#mixed(states, random));
  }

  /** The file after 0, 1, 2 … of the unsynced changes. */
  #states(): Buffer[] {
    const bytes = new GrowingBytes();
    bytes.write(this.#durable.view(), 0);
    const states = [Buffer.from(bytes.view())];
    for (const change of this.#unsynced) {
      bytes.apply(change);
      states.push(Buffer.from(bytes.view()));
    }
    return states;
  }

  #mixed(states: readonly Buffer[], random: SeededRandom): Buffer {
    const last = states.length - 1;
    const sizedAs = random.between(0, last);
    // Blocks that a truncation gave back do not return, nor those that it has not given back yet go.
    const truncations = this.#unsynced.flatMap(({ kind }, i) =>
      kind === 'truncate' ? [i + 1] : [],
    );
    const oldest = truncations.findLast((state) => state <= sizedAs) ?? 0;
    const newest = (truncations.find((state) => state > sizedAs) ?? last + 1) - 1;
    const found = Buffer.alloc(states[sizedAs]!.length);
    for (let start = 0; start < found.length; start += SECTOR_BYTES) {
      const state = states[random.between(oldest, newest)]!;
      found.set(state.subarray(start, Math.min(start + SECTOR_BYTES, found.length)), start);
    }
    return found;
  }
}

type NameChange =
  | { readonly kind: 'add'; readonly name: string; readonly node: SimulatedNode }
  | { readonly kind: 'remove'; readonly name: string }
  | {
      readonly kind: 'rename';
      readonly from: string;
      readonly name: string;
      readonly node: SimulatedNode;
    };

export type SimulatedNode = SimulatedFile | SimulatedDirectory;

export class SimulatedDirectory {
  readonly #seen = new Map<string, SimulatedNode>();
  readonly #durable = new Map<string, SimulatedNode>();
  #unsynced: NameChange[] = [];

  names(): string[] {
    return [...this.#seen.keys()].sort();
  }

  get(name: string): SimulatedNode | undefined {
    return this.#seen.get(name);
  }

  nodes(): Iterable<SimulatedNode> {
    return this.#seen.values();
  }

  change(change: NameChange): void {
    applyNameChange(this.#seen, change);
    this.#unsynced.push(change);
  }

  sync(): void {
    for (const change of this.#unsynced) applyNameChange(this.#durable, change);
    this.#unsynced = [];
  }

  /** The directory and all below it after a power loss. */
  afterPowerLoss(random: SeededRandom): SimulatedDirectory {
    const fate = random.weighted({ lost: 2, kept: 2, firstOnes: 3, some: 3 });
    const firstOnes = random.between(0, this.#unsynced.length);
    const names = new Map(this.#durable);
    for (const [i, change] of this.#unsynced.entries()) {
      const isKept = {
        lost: () => false,
        kept: () => true,
        firstOnes: () => i < firstOnes,
        some: () => random.chance(0.5),
      };
      if (isKept[fate]()) applyNameChange(names, change);
    }
    const after = new SimulatedDirectory();
    for (const [name, node] of names) {
      const found = node.afterPowerLoss(random);
      after.#seen.set(name, found);
      after.#durable.set(name, found);
    }
    return after;
  }
}

function applyNameChange(names: Map<string, SimulatedNode>, change: NameChange): void {
  if (change.kind === 'remove') names.delete(change.name);
  else names.set(change.name, change.node);
  if (change.kind === 'rename') names.delete(change.from);
}
