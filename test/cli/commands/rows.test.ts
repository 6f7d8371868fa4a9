import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { type RunOptions, runCli } from '../recorded-terminal.ts';

const directory = temporaryDirectory();
const data = join(directory, 'shop');

function tidemark(words: string, options: RunOptions = {}) {
  return runCli(['--data', data, ...words.trim().split(' ')], options);
}

/** Words that themselves hold spaces come after those that do not. */
function withRow(words: string, ...rest: string[]) {
  return runCli(['--data', data, ...words.split(' '), ...rest]);
}

describe('a store from the command line', () => {
  it('is made by init, once', async () => {
    expect(await tidemark('--json init')).toMatchObject({ code: 0, json: [{ created: true }] });
    expect(await tidemark('--json init')).toMatchObject({ code: 0, json: [{ created: false }] });
  });

  it('takes a table and rows, and says where each change landed', async () => {
    expect(await tidemark('create-table orders --key id --key-type integer')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^made table orders at position 1, \d{4}-.*Z\n$/),
    });
    const inserted = await withRow(
      '--json insert orders',
      '{"id":7,"state":"open"}',
      '--actor',
      'ana',
    );
    expect(inserted.json).toMatchObject([{ table: 'orders', key: 7, version: 1, position: 2 }]);
    const updated = await withRow(
      '--json update orders 7',
      '{"state":"paid"}',
      '--reason',
      'by card',
    );
    expect(updated.json).toMatchObject([{ key: 7, version: 2, position: 3, changed: true }]);
    const again = await withRow('update orders 7', '{"state":"paid"}');
    expect(again.stdout).toMatch(/^nothing to change in orders 7, version 2/);
    const put = await withRow('--json put orders', '{"id":8,"state":"open"}');
    expect(put.json).toMatchObject([{ key: 8, version: 1, position: 4 }]);
    expect((await tidemark('--json delete orders 8')).json).toMatchObject([
      { version: 2, position: 5 },
    ]);
  });

  it('shows rows now, with the moment they were read at', async () => {
    const { stdout, stderr } = await tidemark('scan orders');
    expect(stdout).toBe('id  state\n 7  paid\n');
    expect(stderr).toMatch(/^1 row as of position 5, .*Z\n$/);
    expect((await tidemark('--json get orders 7')).json).toMatchObject([
      { key: 7, row: { id: 7, state: 'paid' }, version: 2, position: 3, asOf: { position: 5 } },
    ]);
    expect((await tidemark('--quiet count orders')).stderr).toBe('');
  });

  it('shows rows as they were, by position and by time', async () => {
    const { json } = await tidemark('--json scan orders --at-position 2');
    expect(json).toMatchObject([{ row: { id: 7, state: 'open' }, asOf: { position: 2 } }]);
    const [first] = json as [{ time: string }];
    const then = await tidemark(`--json scan orders --as-of ${first.time}`);
    expect(then.json).toEqual(json);
    expect((await tidemark('count orders --at-position 4')).stdout).toBe('2\n');
    expect((await tidemark('--json tables --at-position 1')).json).toMatchObject([
      { name: 'orders', rows: 0, keyType: 'integer' },
    ]);
    expect((await tidemark('tables --at-position 0')).stdout).toBe('');
  });

  it('scans a range of keys both ways', async () => {
    await withRow('insert orders', '{"id":10}');
    await withRow('insert orders', '{"id":-3}');
    const keys = async (words: string) =>
      (await tidemark(`--json scan orders ${words}`)).json.map(
        (line) => (line as { key: number }).key,
      );
    expect(await keys('')).toEqual([-3, 7, 10]);
    expect(await keys('--reverse --limit 2')).toEqual([10, 7]);
    expect(await keys('--from 7 --to 10')).toEqual([7]);
  });

  it('shows the history of a row; the table may be left out where there is one', async () => {
    const { stdout } = await tidemark('history 8');
    expect(stdout).toMatch(/^version {2}op .*\n {6}1 {2}insert .*\n {6}2 {2}delete .*\n$/);
    expect((await tidemark('--json history orders 8 --at-position 4')).json).toHaveLength(1);
    expect((await tidemark('--json history orders 7 --reverse --limit 1')).json).toMatchObject([
      { table: 'orders', key: 7, version: 2, op: 'update', reason: 'by card' },
    ]);
    expect(await tidemark('history orders 99')).toMatchObject({ code: 3, stdout: '' });
  });

  it('shows who set each column last', async () => {
    const { stdout, stderr } = await tidemark('blame orders 7');
    expect(stdout).toMatch(/^column +value +version .*\nid .*ana.*\nstate +paid +2 .*by card\n$/);
    expect(stderr).toMatch(/^as of position 7, /);
    expect((await tidemark('--json blame orders 7 --at-position 2')).json).toMatchObject([
      { table: 'orders', key: 7, column: 'id', value: 7, version: 1, actor: 'ana' },
      { column: 'state', value: 'open', version: 1, position: 2, asOf: { position: 2 } },
    ]);
    expect(await tidemark('blame orders 8')).toMatchObject({ code: 3, stdout: '' });
  });

  it('shows the log by table, row, actor, place and direction', async () => {
    const positions = async (words: string) =>
      (await tidemark(`--json log ${words}`)).json.map(
        (line) => (line as { position: number }).position,
      );
    expect(await positions('--table orders --key 8')).toEqual([4, 5]);
    expect(await positions('--actor ana')).toEqual([2]);
    expect(await positions('--table orders --op delete')).toEqual([5]);
    expect(await positions('--op update')).toEqual([3]);
    expect(await positions('--table orders --changed state')).toEqual([3]);
    expect(await positions('--changed id')).toEqual([]);
    expect(await positions('--from 2 --to 3 --reverse')).toEqual([3, 2]);
    expect(await positions('--at-position 2')).toEqual([1, 2]);
    expect(await tidemark('log --key 8')).toMatchObject({ code: 5 });
  });

  it('shows what changed between two moments', async () => {
    expect((await tidemark('--json diff 2 4')).json).toMatchObject([
      { key: 7, op: 'update', before: { state: 'open' }, after: { state: 'paid' } },
      { key: 8, op: 'insert' },
    ]);
    expect((await tidemark('--json diff 2 5 --all')).json).toHaveLength(3);
    expect((await tidemark('diff 2 3 --table orders')).stdout).toMatch(/state: open → paid\n$/);
    expect((await tidemark('diff 5 5')).stderr).toBe('no difference\n');
  });

  it('brings rows back, and takes that back', async () => {
    const preview = await tidemark('restore-rows orders 7 8 --to 2 --preview');
    expect(preview.stdout).toMatch(
      /^table +key +op +change +overwrites *\norders +7 +update +state/,
    );
    expect(preview.stdout).toMatch(/"?state"?: paid → open +3 \(.*Z\)\n$/);
    expect(preview.stderr).toMatch(/^1 row would change, as of position 7, .*: --seen 7\n$/);
    const done = await tidemark('--json restore-rows orders --all --to 2 --actor ana --seen 7');
    expect(done.json).toMatchObject([
      { key: -3, op: 'delete', preview: false, position: 10 },
      { key: 7, op: 'update', after: { state: 'open' }, edits: 1 },
      { key: 10, op: 'delete' },
    ]);
    expect((await tidemark('undo 9')).stderr).toMatch(/^3 rows restored at position 13, /);
    expect((await tidemark('undo 9')).stderr).toMatch(/^nothing to change, as of/);
    expect((await tidemark('undo 3')).stderr).toMatch(
      /^tidemark: VERSION_CONFLICT: row 7 of orders/,
    );
    const forced = await tidemark('undo 3 --overwrite --preview');
    expect(forced.stderr).toMatch(/^1 row would change/);
    expect((await tidemark('--json get orders 7')).json).toMatchObject([
      { row: { state: 'paid' } },
    ]);
  });

  it('takes, lists and releases snapshots', async () => {
    const [taken] = (await tidemark('--json snapshot')).json as [
      { name: string; position: number },
    ];
    expect(taken.position).toBe(13);
    expect((await tidemark('--json snapshot list')).json).toMatchObject([{ name: taken.name }]);
    expect(await tidemark(`snapshot release ${taken.name}`)).toMatchObject({ code: 0 });
    expect(await tidemark(`snapshot release ${taken.name}`)).toMatchObject({ code: 3 });
  });

  it('verifies, compacts and counts itself', async () => {
    expect(await tidemark('compact')).toMatchObject({ code: 0 });
    expect((await tidemark('--json verify')).json).toMatchObject([{ ok: true, events: 13 }]);
    expect((await tidemark('verify')).stdout).toMatch(/sound: every check holds\n$/);
    expect((await tidemark('stats')).stdout).toMatch(/^tables\.orders\.rows +3$/m);
    expect((await tidemark('--json stats')).json).toMatchObject([{ position: 13 }]);
  });

  it('changes the schema of a table, and drops it; the past stays', async () => {
    const schema = join(directory, 'schema.json');
    writeFileSync(schema, JSON.stringify({ properties: { id: { type: 'integer' }, state: {} } }));
    expect(await withRow('alter-table orders --schema', schema)).toMatchObject({ code: 0 });
    expect(await withRow('insert orders', '{"id":1,"colour":"red"}')).toMatchObject({ code: 5 });
    expect(await tidemark('drop-table orders')).toMatchObject({ code: 0 });
    expect(await tidemark('scan orders')).toMatchObject({ code: 3 });
    expect((await tidemark('count orders --at-position 7')).stdout).toBe('3\n');
    expect((await tidemark('--json log --table orders --key 7')).json).toHaveLength(4);
  });
});

describe('what is wrong', () => {
  it.each([
    ['scan nowhere', 3, 'TABLE_UNKNOWN'],
    ['get stock x', 3, 'ROW_NOT_FOUND'],
    ['scan stock --as-of yesterday', 5, 'TIME_MALFORMED'],
    ['scan stock --as-of 2026-03-01T00:00:00', 5, 'TIME_WITHOUT_ZONE'],
    ['scan stock --at-position 999999', 5, 'POSITION_AHEAD'],
    ['scan stock --at-position minus', 5, 'POSITION_INVALID'],
    ['create-table stock --key sku', 4, 'TABLE_EXISTS'],
    ['insert stock []', 5, 'ROW_INVALID'],
    ['insert stock {"sku":7}', 5, 'KEY_TYPE'],
    ['insert stock {"sku":"A"}', 4, 'ROW_EXISTS'],
    ['update stock A {"n":1} --expected-version 9', 4, 'VERSION_CONFLICT'],
    ['delete stock nothing', 3, 'ROW_NOT_FOUND'],
    ['create-table t --schema absent.json', 3, 'INPUT_MISSING'],
    ['scan', 2, 'USAGE'],
    ['scan stock --limit 0', 2, 'USAGE'],
    ['scan stock --as-of 2026-01-01T00:00:00Z --at-position 1', 2, 'USAGE'],
    ['frobnicate', 2, 'USAGE'],
    ['log --follow --limit 3', 2, 'USAGE'],
    ['log --op change', 2, 'USAGE'],
    ['restore-rows stock --to 1', 2, 'USAGE'],
    ['restore-rows stock A --all --to 1', 2, 'USAGE'],
    ['restore-rows stock A --where {} --to 1', 2, 'USAGE'],
    ['restore-rows stock --where [] --to 1', 5, 'QUERY_INVALID'],
    ['restore-rows stock --where {"n":1} --to 2200-01-01T00:00:00Z', 5, 'INDEX_MISSING'],
    ['restore-rows stock --all', 2, 'USAGE'],
    ['undo 1', 5, 'ARGUMENT_INVALID'],
  ])('%s ends with %i, %s, and no stack', async (words, code, name) => {
    await tidemark('create-table stock --key sku');
    await tidemark('insert stock {"sku":"A"}');
    const people = await tidemark(words);
    expect(people).toMatchObject({ code, stdout: '' });
    expect(people.stderr).toMatch(new RegExp(`^tidemark: ${name}: .+\n$`));
    const programs = await tidemark(`${words} --json`);
    const { error } = JSON.parse(programs.stderr) as { error: unknown };
    expect(error).toMatchObject({ code: name, exitCode: code, message: expect.any(String) });
  });

  it('never makes a store by reading', async () => {
    const absent = join(directory, 'absent');
    for (const words of ['tables', 'scan t', 'log', 'stats', 'verify', 'snapshot', 'delete t 1']) {
      expect(await runCli(['--data', absent, ...words.split(' ')])).toMatchObject({ code: 3 });
    }
    expect(existsSync(absent)).toBe(false);
  });

  it('is told to people who ask for nothing, with the help', async () => {
    const { code, stderr } = await runCli([]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^Usage: tidemark/);
  });
});

describe('help', () => {
  it('goes to standard output and ends with 0', async () => {
    expect(await runCli(['--help'])).toMatchObject({ code: 0, stderr: '' });
    expect((await runCli(['scan', '--help'])).stdout).toMatch(/--as-of/);
    expect((await runCli(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('a damaged store', () => {
  it('ends verify with exit code 6 and the name of the file, whichever table it is', async () => {
    const damaged = join(directory, 'damaged');
    await runCli(['--data', damaged, 'create-table', 't', '--key', 'id']);
    await runCli(['--data', damaged, 'insert', 't', '{"id":"a"}']);
    await runCli(['--data', damaged, 'compact']);
    let reports = 0;
    for (const name of readdirSync(join(damaged, 'sst'))) {
      const path = join(damaged, 'sst', name);
      const sound = readFileSync(path);
      const bytes = Buffer.from(sound);
      // Into the first block, which follows a file header of 16 bytes.
      bytes[20]! ^= 1;
      writeFileSync(path, bytes);
      const { code, stdout, stderr } = await runCli(['--data', damaged, 'verify']);
      expect(code).toBe(6);
      expect(stdout + stderr).toContain(name);
      if (/^damaged: \d+ problem/m.test(stdout)) reports++;
      writeFileSync(path, sound);
    }
    // The others are met by opening the store already.
    expect(reports).toBeGreaterThan(0);
    expect(await runCli(['--data', damaged, 'verify'])).toMatchObject({ code: 0 });
  });
});
