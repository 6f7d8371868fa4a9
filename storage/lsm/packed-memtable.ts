/**
 * Memtables as a few arrays that go to another thread without being walked: keys in one, and values
 * in copies of the buffers that entries point into. To copy a buffer whole takes 0.2 ms a MiB; to
 * copy 100,000 values one by one, 10 ms.
 */
import { asBuffer, ByteWriter, SlicePace } from '../../base/index.ts';
import { type KeyspaceDefinition, KeyspaceShape } from '../keyspace-store.ts';
import { AppendedMemtable } from './appended-memtable.ts';
import type { FlushedKeyspace } from './flush.ts';
import type { Memtable } from './memtable.ts';
import { OverwrittenMemtable } from './overwritten-memtable.ts';
import type { KeySpan } from './table-placement.ts';

/** A smaller buffer is not copied whole: from it come values one by one. */
const WHOLE_SOURCE_BYTES_MIN = 64 * 1024;
const DELETED = 0xffffffff;
/** Small buffers' values lie together in the first source. */
const GATHERED = 0;

/** One keyspace: entry i has the key that ends at `keyEnds[i]`, and a value in `sources[i]`. */
interface PackedKeyspace {
  readonly keyspace: KeyspaceDefinition;
  readonly below: readonly KeySpan[];
  readonly keys: Uint8Array<ArrayBuffer>;
  readonly keyEnds: Uint32Array<ArrayBuffer>;
  /** Index of a source; DELETED for none. */
  readonly sources: Uint32Array<ArrayBuffer>;
  readonly starts: Uint32Array<ArrayBuffer>;
  readonly ends: Uint32Array<ArrayBuffer>;
}

export interface PackedMemtables {
  readonly sources: readonly Uint8Array<ArrayBuffer>[];
  readonly keyspaces: readonly PackedKeyspace[];
}

/** Packs memtables that are not written any more, in slices. */
export async function packMemtables(parts: readonly FlushedKeyspace[]): Promise<PackedMemtables> {
  const pace = new SlicePace();
  const sources = new Sources();
  const keyspaces: PackedKeyspace[] = [];
  for (const part of parts) {
    if (part.memtable.entryCount() > 0) keyspaces.push(await packed(part, sources, pace));
  }
  return { sources: sources.finish(), keyspaces };
}

/** What can be handed over instead of being copied once more. */
export function transferable({ sources, keyspaces }: PackedMemtables): ArrayBuffer[] {
  const arrays = keyspaces.flatMap((each) => [
    each.keys,
    each.keyEnds,
    each.sources,
    each.starts,
    each.ends,
  ]);
  return [...sources, ...arrays].map(({ buffer }) => buffer);
}

/** The memtables again, all that was written to them seen by all, one after the other. */
export function* unpackMemtables({
  sources,
  keyspaces,
}: PackedMemtables): Generator<FlushedKeyspace> {
  for (const packed of keyspaces) {
    const { keyspace, below, keyEnds } = packed;
    const isAppended = keyspace.shape === KeyspaceShape.appended;
    const memtable: Memtable = isAppended ? new AppendedMemtable() : new OverwrittenMemtable(false);
    const keys = asBuffer(packed.keys);
    let keyStart = 0;
    for (let i = 0; i < keyEnds.length; i++) {
      const keyEnd = keyEnds[i]!;
      const source = sources[packed.sources[i]!];
      const key = keys.latin1Slice(keyStart, keyEnd);
      memtable.set(key, source, packed.starts[i]!, packed.ends[i]!, 1);
      keyStart = keyEnd;
    }
    yield { keyspace, memtable, below };
  }
}

async function packed(
  { keyspace, memtable, below }: FlushedKeyspace,
  sources: Sources,
  pace: SlicePace,
): Promise<PackedKeyspace> {
  const count = memtable.entryCount();
  const { keys, entries } = memtable;
  const packedKeys = new ByteWriter(count * 16);
  const keyEnds = new Uint32Array(count);
  const indexes = new Uint32Array(count);
  const starts = entries.starts.slice(0, count);
  const ends = entries.ends.slice(0, count);
  for (let i = 0; i < count; i++) {
    packedKeys.byteString(keys[i]!);
    keyEnds[i] = packedKeys.length;
    const source = entries.sources[i];
    if (source === undefined) indexes[i] = DELETED;
    else if (source.length >= WHOLE_SOURCE_BYTES_MIN) indexes[i] = sources.whole(source);
    else {
      starts[i] = sources.gathered(source, starts[i]!, ends[i]!);
      ends[i] = sources.gatheredBytes;
      indexes[i] = GATHERED;
    }
    if (pace.step()) await pace.rest();
  }
  return { keyspace, below, keys: ownBytes(packedKeys), keyEnds, sources: indexes, starts, ends };
}

/** Copies of the buffers that entries point into. */
class Sources {
  readonly #gathered = new ByteWriter(1024);
  readonly #copies: Uint8Array<ArrayBuffer>[] = [];
  readonly #indexes = new Map<Uint8Array, number>();
  /** Entries of one commit come in a row. */
  #newest: Uint8Array | undefined;
  #newestIndex = 0;

  get gatheredBytes(): number {
    return this.#gathered.length;
  }

  whole(source: Uint8Array): number {
    if (source === this.#newest) return this.#newestIndex;
    let index = this.#indexes.get(source);
    if (index === undefined) {
      this.#copies.push(new Uint8Array(source));
      index = this.#copies.length;
      this.#indexes.set(source, index);
    }
    this.#newest = source;
    this.#newestIndex = index;
    return index;
  }

  /** Gives where the copy starts. */
  gathered(source: Uint8Array, start: number, end: number): number {
    const at = this.#gathered.length;
    this.#gathered.bytes(source, start, end);
    return at;
  }

  finish(): readonly Uint8Array<ArrayBuffer>[] {
    return [ownBytes(this.#gathered), ...this.#copies];
  }
}

/** The bytes of a writer, in memory that nothing else lies in. */
function ownBytes(writer: ByteWriter): Uint8Array<ArrayBuffer> {
  return new Uint8Array(writer.view());
}
