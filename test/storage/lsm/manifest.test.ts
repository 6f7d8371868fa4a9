import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Logger, NodeFiles, silentLogger } from '../../../base/index.ts';
import { Manifest } from '../../../storage/lsm/manifest.ts';
import type { ManifestEdit, TableRecord } from '../../../storage/lsm/manifest-format.ts';
import { applyEdit, EMPTY_STATE } from '../../../storage/lsm/manifest-state.ts';
import { FailingFiles } from '../../support/failing-files.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const GOLDEN = new URL('../../golden/manifest-v1', import.meta.url);

/** What the golden manifest adds up to. Never change: it was written by the first version. */
const GOLDEN_EDITS: readonly ManifestEdit[] = [
  {
    next: 4,
    add: [table(1, 0), table(2, 1), { ...table(3, 1), smallest: '\x00\xff', largest: '\xff\x80' }],
    mark: { sequence: 17, applied: { generation: 2, hash: 'ab' } },
    pin: [pin('daily', [1, 0], [2, 1])],
  },
  { move: [{ number: 1, level: 1 }], remove: [2], mark: { sequence: 18, applied: null } },
  { next: 9, add: [table(8, 0)], pin: [pin('é', [8, 0])] },
  { unpin: ['daily'] },
];

describe('a manifest', () => {
  it('starts empty and keeps every edit over reopening', async () => {
    const directory = temporaryDirectory();
    const manifest = await open(directory);
    expect(manifest.state).toEqual(EMPTY_STATE);
    await commitAll(manifest, GOLDEN_EDITS);
    const { state } = manifest;
    await manifest.close();
    const again = await open(directory);
    expect(again.state).toEqual(state);
    expect(new NodeFiles().list(directory)).toEqual(['CURRENT', 'MANIFEST-000002']);
    await again.close();
  });

  it('reads what version 1 wrote', async () => {
    const directory = temporaryDirectory();
    await (await open(directory)).close();
    writeFileSync(join(directory, 'MANIFEST-000001'), readFileSync(GOLDEN));
    const manifest = await open(directory);
    let state = EMPTY_STATE;
    for (const edit of GOLDEN_EDITS) state = applied(state, edit);
    expect(manifest.state).toEqual(state);
    expect([...state.tables.keys()]).toEqual([1, 3, 8]);
    await manifest.close();
  });

  it('still writes what version 1 wrote', async () => {
    const directory = temporaryDirectory();
    const manifest = await open(directory);
    await commitAll(manifest, GOLDEN_EDITS);
    await manifest.close();
    expect(readFileSync(join(directory, 'MANIFEST-000001'))).toEqual(readFileSync(GOLDEN));
  });

  it('runs what an edit brings in the same instant as the state changes', async () => {
    const manifest = await open(temporaryDirectory());
    const seen: number[] = [];
    const commits = [5, 6].map((next) =>
      manifest.commit(
        (state) => ({ next: Math.max(next, state.nextTable + 1) }),
        () => seen.push(manifest.state.nextTable),
      ),
    );
    expect(manifest.state.nextTable).toBe(1);
    await Promise.all(commits);
    expect(seen).toEqual([5, 6]);
    await manifest.close();
  });

  it('cuts off a last edit that is torn, at any of its bytes, and says so', async () => {
    const directory = temporaryDirectory();
    const manifest = await open(directory);
    await commitAll(manifest, [{ next: 7 }]);
    const path = join(directory, 'MANIFEST-000001');
    const whole = readFileSync(path).length;
    await commitAll(manifest, [{ next: 8 }]);
    await manifest.close();
    const bytes = readFileSync(path);
    const current = readFileSync(join(directory, 'CURRENT'));
    for (let length = whole; length < bytes.length; length++) {
      writeFileSync(path, bytes.subarray(0, length));
      writeFileSync(join(directory, 'CURRENT'), current);
      const warnings: object[] = [];
      const again = await open(directory, {
        ...silentLogger,
        warn: (fields) => warnings.push(fields),
      });
      expect(again.state.nextTable).toBe(7);
      await again.close();
      const torn = { file: path, offset: whole, bytes: length - whole };
      expect(warnings).toEqual(length === whole ? [] : [torn]);
    }
  });

  it('answers CORRUPTION or the right state, whichever byte of it is flipped', async () => {
    const directory = temporaryDirectory();
    const manifest = await open(directory);
    await commitAll(manifest, [{ next: 7 }, { next: 8 }]);
    await manifest.close();
    const path = join(directory, 'MANIFEST-000001');
    for (const file of [path, join(directory, 'CURRENT')]) {
      const bytes = readFileSync(file);
      for (let at = 0; at < bytes.length; at++) {
        const others = [path, join(directory, 'CURRENT')].map(
          (each) => [each, readFileSync(each)] as const,
        );
        const damaged = Buffer.from(bytes);
        damaged[at]! ^= 0x10;
        writeFileSync(file, damaged);
        const outcome = await open(directory).then(
          async (again) => {
            await again.close();
            return again.state.nextTable;
          },
          (error: { code?: string }) => error.code,
        );
        // The last edit may pass for torn; nothing before it may.
        expect(['CORRUPTION', 7]).toContain(outcome);
        for (const [each, content] of others) writeFileSync(each, content);
      }
    }
  });

  it('misses CURRENT, unless a crash came before the store was made', async () => {
    const directory = temporaryDirectory();
    const manifest = await open(directory);
    await manifest.close();
    const files = new NodeFiles();
    await files.remove(join(directory, 'CURRENT'));
    const again = await open(directory);
    await commitAll(again, [{ next: 5 }]);
    await again.close();
    await files.remove(join(directory, 'CURRENT'));
    await expect(open(directory)).rejects.toMatchObject({ code: 'CORRUPTION' });
  });

  it('says when the manifest that CURRENT names is missing', async () => {
    const directory = temporaryDirectory();
    await (await open(directory)).close();
    await new NodeFiles().remove(join(directory, 'MANIFEST-000001'));
    await expect(open(directory)).rejects.toMatchObject({ code: 'CORRUPTION' });
  });

  it('begins a new file when edits outweigh the state', async () => {
    const directory = temporaryDirectory();
    const manifest = await open(directory);
    const applied = 'x'.repeat(400_000);
    for (let sequence = 1; sequence <= 12; sequence++) {
      await commitAll(manifest, [{ mark: { sequence, applied } }]);
    }
    await manifest.close();
    const names = new NodeFiles().list(directory);
    expect(names).toHaveLength(2);
    expect(names).not.toContain('MANIFEST-000001');
    const again = await open(directory);
    expect(again.state.mark).toEqual({ sequence: 12, applied });
    await again.close();
  });

  it('changes nothing and writes nothing more after a failed write', async () => {
    const directory = temporaryDirectory();
    const files = new FailingFiles();
    const manifest = await Manifest.open(files, directory, silentLogger);
    files.code = 'IO_FAILED';
    files.fails = (operation) => operation === 'sync';
    await expect(commitAll(manifest, [{ next: 9 }])).rejects.toMatchObject({ code: 'IO_FAILED' });
    files.fails = () => false;
    await expect(commitAll(manifest, [{ next: 9 }])).rejects.toMatchObject({ code: 'POISONED' });
    expect(manifest.state).toEqual(EMPTY_STATE);
    await manifest.close();
  });
});

describe('an edit', () => {
  it('keeps the record of a table that left the tree for as long as a pin names it', () => {
    let state = applied(EMPTY_STATE, {
      add: [table(1, 0)],
      pin: [pin('p', [1, 0]), pin('q', [1, 0])],
    });
    state = applied(state, { remove: [1] });
    expect(state.tables.get(1)?.level).toBeUndefined();
    state = applied(state, { unpin: ['p'] });
    expect(state.tables.has(1)).toBe(true);
    state = applied(state, { unpin: ['q'] });
    expect(state.tables.has(1)).toBe(false);
  });

  it('is refused if it does not fit the state', () => {
    const state = applied(EMPTY_STATE, { add: [table(1, 0)], pin: [pin('p', [1, 0])] });
    expect(applyEdit(state, { add: [table(1, 0)] })).toContain('added twice');
    expect(applyEdit(state, { remove: [2] })).toContain('table 2 is removed');
    expect(applyEdit(state, { move: [{ number: 2, level: 1 }] })).toContain('table 2 is moved');
    expect(applyEdit(state, { pin: [pin('p')] })).toContain('pin p is added twice');
    expect(applyEdit(state, { pin: [pin('q', [5, 0])] })).toContain('names table 5');
    expect(applyEdit(state, { unpin: ['q'] })).toContain('pin q is dropped');
  });
});

function table(number: number, level: number): TableRecord {
  return {
    number,
    keyspace: 1,
    level,
    age: number,
    entries: 10 * number,
    tombstones: number,
    bytes: 1000,
    smallest: `a${number}`,
    largest: `b${number}`,
  };
}

function pin(name: string, ...tables: readonly (readonly [number, number])[]) {
  return {
    name,
    note: { at: name },
    sequence: 17,
    keyspaces: [1],
    tables: tables.map(([number, level]) => ({ number, level })),
  };
}

function open(directory: string, logger: Logger = silentLogger): Promise<Manifest> {
  return Manifest.open(new NodeFiles(), directory, logger);
}

async function commitAll(manifest: Manifest, edits: readonly ManifestEdit[]): Promise<void> {
  for (const edit of edits) {
    await manifest.commit(
      () => edit,
      () => {},
    );
  }
}

function applied(state: typeof EMPTY_STATE, edit: ManifestEdit): typeof EMPTY_STATE {
  const next = applyEdit(state, edit);
  if (typeof next === 'string') expect.fail(next);
  return next;
}
