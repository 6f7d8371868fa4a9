import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { type RunOptions, runCli } from '../recorded-terminal.ts';

const directory = temporaryDirectory();
let stores = 0;

function newStore() {
  const data = join(directory, `store-${stores++}`);
  return {
    data,
    run: (words: string, options: RunOptions = {}) =>
      runCli(['--data', data, ...words.split(' ')], options),
  };
}

function file(name: string, content: string | Buffer): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

const numbered = Array.from({ length: 25 }, (_, index) => `${index},name ${index}`);
const csv = `id,name\n${numbered.join('\n')}\n`;

describe('importing rows', () => {
  it('makes the table and commits in batches', async () => {
    const { run } = newStore();
    const words = `import ${file('rows.csv', csv)} --table t --key id --key-type integer --batch 10`;
    expect((await run(`--json ${words} --actor loader`)).json).toMatchObject([
      { table: 't', rows: 25, commits: 3, interrupted: false, position: 26 },
    ]);
    expect((await run('--json get t 24')).json).toMatchObject([
      { row: { id: 24, name: 'name 24' } },
    ]);
    expect((await run('--json log --actor loader')).json).toHaveLength(26);
  });

  it('takes NDJSON with the key type it has, gzip and standard input', async () => {
    const { run } = newStore();
    const stdin = gzipSync('{"id":1,"tags":["a"]}\n\n{"id":2}\n');
    expect(await run('import - --table t --key id', { stdin })).toMatchObject({ code: 0 });
    expect((await run('--json get t 1')).json).toMatchObject([{ row: { id: 1, tags: ['a'] } }]);
  });

  it('reads CSV by the schema of its table', async () => {
    const { run } = newStore();
    const schema = file(
      'typed.json',
      JSON.stringify({
        properties: {
          id: { type: 'integer' },
          price: { type: 'number' },
          open: { type: 'boolean' },
        },
      }),
    );
    const rows = file('typed.csv', 'id,price,open\n1,2.5,true\n2,,false\n');
    const words = `import ${rows} --table t --key id --schema ${schema}`;
    expect(await run(words)).toMatchObject({ code: 0 });
    expect((await run('--json scan t')).json).toMatchObject([
      { row: { id: 1, price: 2.5, open: true } },
      { row: { id: 2, open: false } },
    ]);
  });

  it('gives keys where no column is named', async () => {
    const { run } = newStore();
    await run(`import ${file('keyless.csv', 'name\nAna\nBen\n')} --table people`);
    expect((await run('--json get people 2')).json).toMatchObject([{ row: { name: 'Ben' } }]);
  });

  it('stops at a row that is refused, names its line, and keeps whole batches only', async () => {
    const { run } = newStore();
    const rows = file('twice.csv', 'id\n1\n2\n3\n3\n4\n');
    const { code, stderr } = await run(`--json import ${rows} --table t --key id --batch 2`);
    expect(code).toBe(5);
    expect(JSON.parse(stderr)).toMatchObject({
      error: {
        code: 'IMPORT_INVALID',
        message: expect.stringMatching(
          /^line 5: ROW_EXISTS: .*; committed before: 2 rows in 1 commit$/,
        ),
        data: { line: 5, code: 'ROW_EXISTS', rows: 2, commits: 1 },
      },
    });
    expect((await run('--quiet count t')).stdout).toBe('2\n');
    expect(await run(`import ${rows} --table t --key id --mode upsert`)).toMatchObject({ code: 0 });
    expect((await run('--quiet count t')).stdout).toBe('4\n');
  });

  it('with --atomic writes all rows or none', async () => {
    const { run } = newStore();
    const rows = file('atomic.csv', 'id\n1\n2\n2\n');
    expect(await run(`import ${rows} --table t --key id --atomic`)).toMatchObject({ code: 5 });
    expect((await run('--quiet count t')).stdout).toBe('0\n');
  });

  it('stops at a line that cannot be read', async () => {
    const { run } = newStore();
    const rows = file('broken.ndjson', '{"id":1}\n{"id":2\n');
    const { code, stderr } = await run(`import ${rows} --table t --key id`);
    expect(code).toBe(5);
    expect(stderr).toMatch(/^tidemark: IMPORT_INVALID: line 2: it is not JSON/);
    expect((await run('tables')).stdout).toBe('');
  });

  it('leaves no store behind where the file is missing', async () => {
    const { run, data } = newStore();
    expect(await run('import absent.csv --table t')).toMatchObject({ code: 3 });
    expect(existsSync(data)).toBe(false);
  });

  it('refuses a key column that the table does not have', async () => {
    const { run } = newStore();
    await run('create-table t --key id');
    const rows = file('other.csv', 'id,name\n1,a\n');
    const { code, stderr } = await run(`import ${rows} --table t --key name`);
    expect(code).toBe(5);
    expect(stderr).toMatch(/its key is column id, not column name/);
  });

  it('ends after the batch under way when interrupted, and goes on later with --mode upsert', async () => {
    const { run } = newStore();
    const many = Array.from({ length: 5000 }, (_, index) => `{"id":${index}}`).join('\n');
    const path = file('many.ndjson', many);
    const { code, stdout } = await run(`import ${path} --table t --key id --batch 100`, {
      columns: 80,
      onError: (_text, interrupt) => interrupt(),
    });
    expect(code).toBe(130);
    expect(stdout).toMatch(/^interrupted: imported \d+00 rows in \d+ commits? into t/);
    expect(await run(`import ${path} --table t --key id --mode upsert`)).toMatchObject({ code: 0 });
    expect((await run('--quiet count t')).stdout).toBe('5000\n');
  });
});

describe('importing a history', () => {
  const commits = [
    {
      time: '2020-01-01T00:00:00Z',
      actor: 'ana',
      changes: [{ op: 'insert', key: 'A', row: { id: 'A' } }],
    },
    { time: '2020-01-02T00:00:00Z', changes: [{ op: 'delete', key: 'A' }] },
    { time: '2020-01-03T00:00:00Z', changes: [{ op: 'insert', key: 'A', row: { id: 'A' } }] },
  ];
  const text = commits.map((commit) => JSON.stringify(commit)).join('\n');

  it('keeps its own times', async () => {
    const { run } = newStore();
    const path = file('history.ndjson.gz', gzipSync(text));
    const done = await run(`--json import --history ${path} --table t --key id --reason moved`);
    expect(done.json).toMatchObject([{ commits: 3, events: 3, skipped: 0, position: 4 }]);
    expect((await run('--json history A')).json).toMatchObject([
      {
        version: 1,
        op: 'insert',
        time: '2020-01-01T00:00:00.000000Z',
        actor: 'ana',
        reason: 'moved',
      },
      { version: 2, op: 'delete', time: '2020-01-02T00:00:00.000000Z' },
      { version: 3, op: 'insert', time: '2020-01-03T00:00:00.000000Z' },
    ]);
    expect((await run('count t --as-of 2020-01-02T12:00:00Z')).stdout).toBe('0\n');
  });

  it('goes on where it was with --resume, and is refused without', async () => {
    const { run } = newStore();
    const part = file('part.ndjson', text.split('\n').slice(0, 2).join('\n'));
    const whole = file('whole.ndjson', text);
    await run(`import --history ${part} --table t --key id`);
    const refused = await run(`import --history ${whole} --table t --key id`);
    expect(refused.code).toBe(5);
    expect(refused.stderr).toMatch(/line 1: .*; committed before: 0 changes in 0 commits/);
    expect((await run(`--json import --history ${whole} --table t --resume`)).json).toMatchObject([
      { commits: 1, skipped: 2 },
    ]);
  });

  it('names the line that the store refuses, and keeps what came before', async () => {
    const { run } = newStore();
    const twice = [commits[0], { ...commits[2], time: '2020-01-05T00:00:00Z' }, commits[1]];
    const path = file('bad.ndjson', twice.map((commit) => JSON.stringify(commit)).join('\n\n'));
    const { code, stderr } = await run(`--json import --history ${path} --table t --key id`);
    expect(code).toBe(5);
    expect(JSON.parse(stderr)).toMatchObject({
      error: { data: { line: 3, commits: 1, events: 1 } },
    });
    expect((await run('--quiet count t')).stdout).toBe('1\n');
  });

  it('takes one file', async () => {
    const { run } = newStore();
    expect(await run('import --table t')).toMatchObject({ code: 5 });
    expect(await run('import a.csv --history b.ndjson --table t')).toMatchObject({ code: 5 });
    expect(await run('import --history b.ndjson --table t --mode upsert')).toMatchObject({
      code: 2,
    });
  });
});
