import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Database, inspectFile } from '../../database/index.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const root = temporaryDirectory();
const store = join(root, 'store');

beforeAll(async () => {
  const database = await Database.open(store);
  await database.createTable('t', { primaryKey: 'id' });
  const t = database.table('t');
  await t.insert({ id: 'a', n: 1 }, { actor: 'ana', reason: 'because' });
  await t.update('a', { n: 2 });
  await t.delete('a');
  await t.insert({ id: 'b' });
  await database.flush();
  await database.close();
});

function inspected(path: string) {
  const { kind, facts, parts } = inspectFile(join(store, path));
  return { kind, facts, parts: [...parts] };
}

/** The tables by the keyspace that the manifest says they are of. */
function tableOf(keyspace: string) {
  const names = readdirSync(join(store, 'sst'));
  return names
    .map((name) => inspected(join('sst', name)))
    .find(({ facts }) => facts.keyspace === keyspace)!;
}

describe('inspecting the files of a store', () => {
  it('shows events, commits and frames', () => {
    expect(tableOf('events')).toMatchObject({
      kind: 'table',
      facts: { entries: 5, tombstones: 0 },
      parts: [
        { position: 1, table: 0, key: 't', op: 'insert' },
        { position: 2, table: 1, key: 'a', op: 'insert', version: 1, row: { id: 'a', n: 1 } },
        { position: 3, op: 'update', version: 2, row: { n: 2 } },
        { position: 4, op: 'delete', version: 3 },
        { position: 5, key: 'b', op: 'insert' },
      ],
    });
    expect(tableOf('commits').parts[1]).toMatchObject({
      position: 2,
      count: 1,
      actor: 'ana',
      reason: 'because',
      tables: [{ table: 1, rows: 1 }],
    });
    expect(tableOf('frames').parts[0]).toMatchObject({ group: 1, claim: true });
  });

  it('shows rows, live and retired, and what history points at', () => {
    expect(tableOf('rows').parts).toMatchObject([
      { table: 1, key: 'a', retired: true, version: 3 },
      { table: 1, key: 'b', row: { id: 'b' } },
    ]);
    const { parts } = tableOf('history');
    expect(parts).toContainEqual(
      expect.objectContaining({ index: 'row', table: 1, key: 'a', position: 4 }),
    );
    expect(parts).toContainEqual(expect.objectContaining({ index: 'actor', position: 2 }));
    expect(parts).toContainEqual(expect.objectContaining({ index: 'column', position: 3 }));
    expect(tableOf('times').parts[1]).toMatchObject({ time: expect.any(String), position: 2 });
  });

  it('shows manifests', () => {
    const { kind, facts } = inspected('CURRENT');
    expect(kind).toBe('current manifest');
    const { parts } = inspected(String(facts.names));
    expect(parts[0]).toHaveProperty('edit');
  });

  it('shows the frames of a segment, and damage in its place', () => {
    const [name = ''] = readdirSync(join(store, 'log'));
    const { kind, parts } = inspected(join('log', name));
    expect(kind).toBe('log segment');
    expect(parts.length).toBeGreaterThan(3);
    const written = parts.find((part) => part.commits === 1)!;
    expect(written).toMatchObject({ contents: [{ events: [{ position: 1, table: 0 }] }] });
    const bytes = readFileSync(join(store, 'log', name));
    const at = Number(written.offset) + Number(written.bytes) - 1;
    bytes[at] = bytes[at]! ^ 0xff;
    const copy = join(root, name);
    writeFileSync(copy, bytes);
    const damaged = [...inspectFile(copy).parts];
    expect(damaged).toContainEqual({
      offset: written.offset,
      damage: expect.stringContaining('damaged'),
    });
    expect(damaged.length).toBeGreaterThan(2);
  });

  it('shows a table that lies by itself as bytes', () => {
    const [name = ''] = readdirSync(join(store, 'sst'));
    const copy = join(root, name);
    writeFileSync(copy, readFileSync(join(store, 'sst', name)));
    const { facts, parts } = inspectFile(copy);
    expect(facts).not.toHaveProperty('keyspace');
    expect([...parts][0]).toMatchObject({ bytes: expect.any(String), value: expect.any(String) });
  });

  it('refuses what is no file of a store', () => {
    const path = join(root, 'notes.txt');
    writeFileSync(path, 'nothing of a store, but long enough');
    expect(() => inspectFile(path)).toThrow(expect.objectContaining({ code: 'DIRECTORY_FOREIGN' }));
    writeFileSync(path, '');
    expect(() => inspectFile(path)).toThrow(expect.objectContaining({ code: 'DIRECTORY_FOREIGN' }));
    const missing = join(root, 'missing');
    expect(() => inspectFile(missing)).toThrow(expect.objectContaining({ code: 'IO_FAILED' }));
  });
});
