import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isTidemarkError } from '../../base/index.ts';
import { FrameBuilder } from '../../eventlog/frame-builder.ts';
import { FRAME_MAGIC } from '../../eventlog/frame-format.ts';
import type { Applied } from '../../eventlog/index.ts';
import { Operation } from '../../storage/index.ts';
import {
  drafted,
  dumpOf,
  type EventStoreParts,
  lsmParts,
  put,
  rowsOf,
  rowTable,
} from '../support/event-stores.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const root = temporaryDirectory();
const table = rowTable(1);
let directories = 0;

function newDirectory(): string {
  return join(root, `${directories++}`);
}

/** A copy of the files as they are now: what a crash of this moment leaves (but for the page cache). */
function crashed(directory: string): string {
  const copy = newDirectory();
  cpSync(directory, copy, { recursive: true });
  return copy;
}

async function putMany(parts: EventStoreParts, from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n++) await put(parts, table, `key ${n % 13}`, { n }).durable;
}

/** Appends a frame to the newest segment, behind what is there. */
function appendFrame(directory: string, applied: Applied): void {
  const builder = new FrameBuilder();
  const firstPosition = applied.position + 1;
  const changes = [drafted(table, 'stray', Operation.insert, 1, {})];
  const time = applied.time + 1;
  builder.add({ time, firstPosition, metadata: '', columns: '', changes, summaries: [] });
  const name = readdirSync(join(directory, 'log')).at(-1)!;
  const path = join(directory, 'log', name);
  const bytes = readFileSync(path);
  const last = bytes.lastIndexOf(FRAME_MAGIC, undefined, 'latin1') - 40;
  const end = last + 8 + bytes.readUInt32LE(last);
  builder.seal(applied).bytes.copy(bytes, end);
  writeFileSync(path, bytes);
}

describe('recovery', () => {
  it('gives the same state as before, byte for byte, from the log alone', async () => {
    const directory = newDirectory();
    const parts = await lsmParts(directory);
    await putMany(parts, 1, 60);
    const before = dumpOf(parts.store.published);
    const copy = crashed(directory);
    await parts.close();
    const again = await lsmParts(copy);
    expect(again.events.recovered).toMatchObject({ events: 60, voidFrames: 0, damage: undefined });
    expect(dumpOf(again.store.published)).toEqual(before);
    expect(again.events.head).toEqual(parts.events.head);
    await again.close();
  });

  it('replays exactly what is behind the mark', async () => {
    const directory = newDirectory();
    const parts = await lsmParts(directory);
    await putMany(parts, 1, 30);
    await parts.events.freeze();
    await putMany(parts, 31, 42);
    const before = dumpOf(parts.store.published);
    const copy = crashed(directory);
    await parts.close();
    for (let round = 0; round < 2; round++) {
      const again = await lsmParts(copy);
      expect(again.events.recovered).toMatchObject({ frames: 12, events: 12 });
      expect(dumpOf(again.store.published)).toEqual(before);
      await again.close();
    }
  });

  it('replays no more the longer the log is', async () => {
    const directory = newDirectory();
    const replayed: number[] = [];
    for (let round = 0; round < 5; round++) {
      const parts = await lsmParts(directory);
      replayed.push(parts.events.recovered.events);
      await putMany(parts, 1, 40);
      await parts.events.freeze();
      await putMany(parts, 1, 3);
      await parts.close();
    }
    expect(replayed).toEqual([0, 3, 3, 3, 3]);
  });

  it('goes on with positions, versions, counts and the chain where they were', async () => {
    const directory = newDirectory();
    for (let round = 0; round < 4; round++) {
      const parts = await lsmParts(directory);
      expect(parts.events.appendedPosition).toBe(round * 5);
      await putMany(parts, 0, 4);
      if (round === 1) await parts.events.freeze();
      const versions = rowsOf(parts.store.published, table).map(({ version }) => version);
      expect(versions).toEqual(Array(5).fill(round + 1));
      expect(parts.events.totals(1)).toMatchObject({ rows: 5, events: (round + 1) * 5 });
      // Each writer claimed the log once, before its first commit.
      expect(parts.events.sealed).toMatchObject({ epoch: round + 1, group: (round + 1) * 6 });
      await parts.close();
    }
  });

  it('loses what was torn and never acknowledged, and nothing else', async () => {
    const directory = newDirectory();
    const parts = await lsmParts(directory);
    await putMany(parts, 1, 5);
    const { position } = parts.events.head;
    await parts.close();
    appendFrame(directory, parts.events.sealed);
    const path = join(directory, 'log', readdirSync(join(directory, 'log')).at(-1)!);
    const bytes = readFileSync(path);
    // A crash in the middle of the write: the end of the frame stayed zeros.
    const last = bytes.lastIndexOf(FRAME_MAGIC, undefined, 'latin1') - 40;
    bytes.fill(0, last + 100);
    writeFileSync(path, bytes);
    const again = await lsmParts(directory);
    expect(again.events.head.position).toBe(position);
    await putMany(again, 6, 7);
    await again.close();
    const later = await lsmParts(directory);
    expect(later.events.recovered).toMatchObject({ events: 7, damage: undefined });
    await later.close();
  });

  it('skips and counts a frame of another history or an older writer, and writes over it', async () => {
    const strays: ((sealed: Applied) => Applied)[] = [
      (sealed) => ({ ...sealed, generation: sealed.generation + 1 }),
      (sealed) => ({ ...sealed, epoch: sealed.epoch - 1 }),
      (sealed) => ({ ...sealed, hash: 'ab'.repeat(32) }),
      (sealed) => ({ ...sealed, position: sealed.position + 1 }),
    ];
    for (const stray of strays) {
      const directory = newDirectory();
      const parts = await lsmParts(directory);
      await putMany(parts, 1, 5);
      await parts.close();
      appendFrame(directory, stray(parts.events.sealed));
      const again = await lsmParts(directory);
      expect(again.events.recovered).toMatchObject({ events: 5, voidFrames: 1, damage: undefined });
      expect(rowsOf(again.store.published, table)).toHaveLength(5);
      await putMany(again, 6, 6);
      await again.close();
      const later = await lsmParts(directory);
      expect(later.events.recovered).toMatchObject({ events: 6, voidFrames: 0 });
      expect(rowsOf(later.store.published, table).map(({ key }) => key)).not.toContain('stray');
      await later.close();
    }
  });

  it('applies a frame that chains, whoever wrote it', async () => {
    const directory = newDirectory();
    const parts = await lsmParts(directory);
    await putMany(parts, 1, 5);
    await parts.close();
    appendFrame(directory, parts.events.sealed);
    const again = await lsmParts(directory);
    expect(again.events.recovered).toMatchObject({ events: 6, voidFrames: 0 });
    await again.close();
  });

  it('stops at damage, says what is affected, and takes no writes', async () => {
    const directory = newDirectory();
    const parts = await lsmParts(directory, { segmentBytes: 4096 });
    await putMany(parts, 1, 40);
    await parts.close();
    const names = readdirSync(join(directory, 'log'));
    expect(names.length).toBeGreaterThan(2);
    const damages: ((copy: string) => void)[] = [
      (copy) => rmSync(join(copy, 'log', names[0]!)),
      (copy) => rmSync(join(copy, 'log', names[1]!)),
      (copy) => {
        const path = join(copy, 'log', names[1]!);
        const bytes = readFileSync(path);
        bytes[700]! ^= 1;
        writeFileSync(path, bytes);
      },
    ];
    const first = Number(names[1]!.slice(0, 16));
    const sound = [0, first - 2, undefined];
    for (const [index, damage] of damages.entries()) {
      const copy = crashed(directory);
      damage(copy);
      const again = await lsmParts(copy);
      const { recovered, head } = again.events;
      expect(isTidemarkError(recovered.damage, 'CORRUPTION')).toBe(true);
      expect(recovered.damage?.data).toHaveProperty('file');
      expect(head.position).toBe(recovered.events);
      expect(head.position).toBe(sound[index] ?? head.position);
      expect(head.position).toBeLessThan(40);
      expect(() => put(again, table, 'x', {})).toThrow(
        expect.objectContaining({ code: 'READ_ONLY' }),
      );
      await again.close();
    }
  });

  it('begins a segment where the log lost its end behind what is flushed', async () => {
    const directory = newDirectory();
    const parts = await lsmParts(directory);
    await putMany(parts, 1, 3);
    const early = crashed(directory);
    await putMany(parts, 4, 10);
    await parts.events.freeze();
    await parts.close();
    // Without fsync a crash of the machine may leave the log behind the tables.
    rmSync(join(directory, 'log'), { recursive: true });
    cpSync(join(early, 'log'), join(directory, 'log'), { recursive: true });
    const again = await lsmParts(directory);
    expect(again.events.recovered).toMatchObject({ events: 0, damage: undefined });
    expect(again.events.head.position).toBe(10);
    await putMany(again, 11, 12);
    await again.close();
    const later = await lsmParts(directory);
    expect(later.events.recovered).toMatchObject({ events: 2, damage: undefined });
    expect(later.events.head.position).toBe(12);
    await later.close();
  });
});
