/** Histories that other stores kept, and those that cannot have happened. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { runCli } from '../recorded-terminal.ts';

const root = temporaryDirectory();
let names = 0;

function file(end: string, lines: readonly (string | object)[]): string {
  const path = join(root, `${names++}${end}`);
  const texts = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
  writeFileSync(path, `${texts.join('\n')}\n`);
  return path;
}

function newStore() {
  const data = join(root, `store-${names++}`);
  return (...words: string[]) => runCli(['--data', data, '--json', ...words]);
}

interface Version {
  readonly op: string;
  readonly time: string;
  readonly row?: object;
  readonly actor?: string;
}

async function versions(run: ReturnType<typeof newStore>, key: string) {
  const { json } = await run('history', 't', key);
  return (json as Version[]).map(({ op, time, row, actor }) => ({ op, time, row, actor }));
}

describe('a history of MariaDB', () => {
  const header = 'id,name,row_start,row_end';
  const forEver = '2038-01-19 03:14:07.999999';
  const lines = [
    header,
    `2,"b",2020-01-02 00:00:00.000000,${forEver}`,
    '1,a,2020-01-01 00:00:00.500000,2020-01-03 00:00:00.000000',
    `1,"\\N",2020-01-03 00:00:00.000000,2020-01-04 00:00:00`,
    `1,\\N,2020-01-05 00:00:00,${forEver}`,
  ];
  const words = ['--table', 't', '--key', 'id', '--key-type', 'integer'];

  it('becomes inserts, updates and deletions at its times', async () => {
    const run = newStore();
    const path = file('.csv', lines);
    const refused = await run('import', '--history', path, ...words);
    expect(refused).toMatchObject({ code: 5, stderr: expect.stringMatching(/--zone/) });
    const done = await run('import', '--history', path, ...words, '--zone', '+01:00');
    expect(done.json).toMatchObject([{ commits: 5, events: 5, rejected: 0 }]);
    expect(await versions(run, '1')).toEqual([
      { op: 'insert', time: '2019-12-31T23:00:00.500000Z', row: { id: 1, name: 'a' } },
      { op: 'update', time: '2020-01-02T23:00:00.000000Z', row: { id: 1, name: '\\N' } },
      { op: 'delete', time: '2020-01-03T23:00:00.000000Z' },
      { op: 'insert', time: '2020-01-04T23:00:00.000000Z', row: { id: 1 } },
    ]);
    expect(await versions(run, '2')).toHaveLength(1);
  });

  it('that cannot have happened is told line by line, and left out on request', async () => {
    const run = newStore();
    const path = file('.csv', [
      ...lines,
      '1,zero,2020-01-01 00:00:02,2020-01-01 00:00:02',
      '1,overlap,2020-01-02 00:00:00,2020-01-03 12:00:00',
      '1,back,2020-01-02 00:00:00,2020-01-01 00:00:00',
      'x,key,2020-01-02 00:00:00,2020-01-03 00:00:00',
      '3,when,yesterday,2020-01-03 00:00:00',
      '3,short,2020-01-03 00:00:00',
      `2,twice,2020-06-01 00:00:00,${forEver}`,
    ]);
    const more = [...words, '--zone', 'Z'];
    const dry = await run('import', '--history', path, ...more, '--dry-run');
    expect(dry.json).toMatchObject([{ events: 5, rejected: 7, dryRun: true }]);
    const { rejectedLines } = dry.json[0] as { rejectedLines: { line: number; reason: string }[] };
    expect(rejectedLines.map(({ line, reason }) => [line, reason])).toEqual([
      [6, 'it held for no time: row_start is row_end'],
      [7, 'it overlaps the version of row 1 in line 3'],
      [8, 'it ends before it begins'],
      [9, 'its key is "x", and not a whole number'],
      [10, 'row_start is no time: yesterday'],
      [11, 'line 11: it has 3 columns; the header has 4'],
      [12, 'it overlaps the version of row 2 in line 2'],
    ]);
    const refused = await run('import', '--history', path, ...more);
    expect(refused.stderr).toMatch(
      /line 6: it held for no time.*, and 6 more; --dry-run shows all/,
    );
    expect((await run('tables')).json).toEqual([]);
    const bad = join(root, 'mariadb.rejected');
    const done = await run('import', '--history', path, ...more, '--rejected', bad);
    expect(done).toMatchObject({ code: 5, json: [{ events: 5, rejected: 7 }] });
    expect(readFileSync(bad, 'utf8').trim().split('\n')).toHaveLength(7);
  });
});

describe('a history of PaperTrail', () => {
  const base = { item_type: 'Order', item_id: 7 };
  const lines = [
    {
      ...base,
      event: 'create',
      object: null,
      object_changes: { id: [null, 7], state: [null, 'open'] },
      created_at: '2020-01-01T00:00:00Z',
      whodunnit: 'ana',
    },
    {
      ...base,
      event: 'update',
      object: { id: 7, state: 'open' },
      object_changes: '{"state":["open","paid"],"total":[null,5]}',
      created_at: '2020-01-02 00:00:00 UTC',
      whodunnit: null,
    },
    {
      ...base,
      event: 'destroy',
      object: '{"id":7,"state":"paid","total":5}',
      created_at: '2020-01-03T00:00:00.123Z',
      whodunnit: 3,
    },
  ];
  const words = ['--table', 't', '--key', 'id', '--key-type', 'integer'];
  const format = ['--history-format', 'papertrail'];

  it('becomes the rows that its changes made', async () => {
    const run = newStore();
    const path = file('.ndjson', [...lines.slice(0, 2), { item_type: 'User' }, lines[2]!]);
    const done = await run(
      ...['import', '--history', path, ...words, ...format, '--item-type', 'Order'],
    );
    expect(done.json).toMatchObject([{ commits: 3, events: 3, rejected: 0 }]);
    expect(await versions(run, '7')).toEqual([
      {
        op: 'insert',
        time: '2020-01-01T00:00:00.000000Z',
        row: { id: 7, state: 'open' },
        actor: 'ana',
      },
      {
        op: 'update',
        time: '2020-01-02T00:00:00.000000Z',
        row: { id: 7, state: 'paid', total: 5 },
      },
      { op: 'delete', time: '2020-01-03T00:00:00.123000Z', actor: '3' },
    ]);
  });

  it('that cannot have happened is told line by line', async () => {
    const run = newStore();
    const [create, update, destroy] = lines;
    const path = file('.ndjson', [
      update!,
      create!,
      create!,
      { ...update, object: { id: 7, state: 'lost' } },
      { ...update, item_id: 8 },
      { ...update, created_at: '2019-01-01T00:00:00Z' },
      { ...update, object_changes: undefined },
      { ...update, event: 'touch' },
      { ...update, item_type: 'User' },
      { ...update, created_at: '2020-01-02 00:00:00' },
      { ...update, object: '--- yaml' },
      'no JSON',
      update!,
      destroy!,
    ]);
    const dry = await run('import', '--history', path, ...words, ...format, '--dry-run');
    const { rejectedLines } = dry.json[0] as { rejectedLines: { line: number; reason: string }[] };
    expect(rejectedLines.map(({ line, reason }) => `${line}: ${reason}`)).toEqual([
      '1: row 7 is changed, and is not there: a gap',
      '3: row 7 is made, and is there already',
      '4: column state of row 7 was not "lost" before: a gap',
      '5: row 8 is changed, and is not there: a gap',
      '6: its time lies before that of the line before',
      '7: it has no object_changes: what it became is lost',
      '8: event is touch; allowed: create, update, destroy',
      '9: it is a change of User among those of Order: say which with --item-type',
      '10: created_at has no zone: say it with --zone, such as Z for UTC',
      '11: object is no JSON object (YAML is not read)',
      '12: it is not a JSON object',
    ]);
    expect(dry.json).toMatchObject([{ events: 3, commits: 3 }]);
  });
});

describe('a history of Debezium', () => {
  const at = (ms: number) => ({ source: { ts_ms: ms }, ts_ms: ms + 99 });
  const words = ['--table', 't', '--key', 'id', '--history-format', 'debezium'];

  it('becomes the rows that its events made', async () => {
    const run = newStore();
    const path = file('.ndjson', [
      { op: 'r', before: null, after: { id: 'a', n: 1 }, ...at(1_000_000_000) },
      { payload: { op: 'c', after: { id: 'b' }, ...at(1_000_000_001) } },
      { op: 'u', before: { id: 'a', n: 1 }, after: { id: 'a', n: 2 }, ...at(1_000_000_002) },
      { op: 'u', before: null, after: { id: 'b', n: 3 }, ...at(1_000_000_002) },
      { op: 'u', before: { id: 'b' }, after: { id: 'c', n: 3 }, ...at(1_000_000_003) },
      { op: 'd', before: { id: 'a', n: null }, after: null, ...at(1_000_000_004) },
      'null',
      { op: 't', ts_ms: 1_000_000_009 },
    ]);
    const done = await run('import', '--history', path, ...words);
    expect(done.json).toMatchObject([{ commits: 6, events: 8, rejected: 0 }]);
    const first = '1970-01-12T13:46:40.000000Z';
    expect(await versions(run, 'a')).toMatchObject([
      { op: 'insert', time: first, row: { id: 'a', n: 1 } },
      { op: 'update', row: { n: 2 } },
      { op: 'delete' },
    ]);
    expect(await versions(run, 'b')).toMatchObject([{}, { op: 'update' }, { op: 'delete' }]);
    expect(await versions(run, 'c')).toMatchObject([{ op: 'insert' }, { op: 'delete' }]);
  });

  it('that cannot have happened is told line by line', async () => {
    const run = newStore();
    const path = file('.ndjson', [
      { op: 'u', before: null, after: { id: 'a' }, ...at(1_000_000_000) },
      { op: 'c', after: { id: 'a', n: 1 }, ...at(1_000_000_000) },
      { op: 'c', after: { id: 'a' }, ...at(1_000_000_001) },
      { op: 'u', before: { id: 'a', n: 7 }, after: { id: 'a' }, ...at(1_000_000_001) },
      { op: 'd', before: null, ...at(1_000_000_001) },
      { op: 'u', before: null, after: null, ...at(1_000_000_001) },
      { op: 'c', after: { id: 'z' }, ...at(999_999_999) },
      { op: 'c', after: { id: 'z' } },
      { op: 'm', after: { id: 'z' }, ...at(1_000_000_001) },
      { op: 'c', after: { name: 'z' }, ...at(1_000_000_001) },
    ]);
    const dry = await run('import', '--history', path, ...words, '--dry-run');
    const { rejectedLines } = dry.json[0] as { rejectedLines: { line: number; reason: string }[] };
    expect(rejectedLines.map(({ line, reason }) => `${line}: ${reason}`)).toEqual([
      '1: row "a" is changed, and is not there: a gap',
      '3: row "a" is made, and is there already',
      '4: column n of row "a" was not 7 before: a gap',
      '5: it deletes a row and does not say which',
      '6: it has no row after the change',
      '7: its time lies before that of the line before',
      '8: it has no time: neither source.ts_us, source.ts_ms nor ts_ms',
      '9: op is m; allowed: c, r, u, d, t',
      '10: its key is missing, and not a text',
    ]);
    expect(dry.json).toMatchObject([{ events: 1 }]);
    expect(
      await run('import', '--history', path, ...words.slice(0, 2), ...words.slice(4)),
    ).toMatchObject({ code: 5, stderr: expect.stringMatching(/--key/) });
  });
});
