import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { type RunOptions, runCli } from '../recorded-terminal.ts';

const root = temporaryDirectory();
let stores = 0;

function newStore() {
  const data = join(root, `store-${stores++}`);
  return {
    data,
    run: (words: string[], options: RunOptions = {}) => runCli(['--data', data, ...words], options),
  };
}

function file(name: string, content = ''): string {
  const path = join(root, name);
  if (content !== '') writeFileSync(path, content);
  return path;
}

async function filled() {
  const store = newStore();
  await store.run(['create-table', 'notes', '--key', 'id', '--key-type', 'integer']);
  const rows = ['{"id":1,"text":"a, b"}', '{"id":2,"text":"ü","n":[1]}', '{"id":3}'].join('\n');
  await store.run(['import', '-', '--table', 'notes', '--actor', 'ana'], { stdin: rows });
  await store.run(['update', 'notes', '2', '{"text":"new"}', '--reason', 'better']);
  await store.run(['delete', 'notes', '3']);
  return store;
}

describe('export', () => {
  it('writes to standard output, or to a file that is whole or as it was', async () => {
    const { run } = await filled();
    const json = '{"id":1,"text":"a, b"}\n{"id":2,"n":[1],"text":"new"}\n';
    expect(await run(['export', 'notes'])).toMatchObject({ code: 0, stdout: json, stderr: '' });
    const path = file('rows.ndjson', 'as it was');
    expect(await run(['export', 'nowhere', '--output', path])).toMatchObject({ code: 3 });
    expect(readFileSync(path, 'utf8')).toBe('as it was');
    expect(await run(['export', 'notes', '--output', path])).toMatchObject({ code: 0, stdout: '' });
    expect(readFileSync(path, 'utf8')).toBe(json);
    expect(await run(['export', 'notes', '--output', file('no/rows')])).toMatchObject({ code: 8 });
    expect(readdirSync(root).filter((name) => name.includes('partial'))).toEqual([]);
    const before = await run(['export', 'notes', '--format', 'csv', '--at-position', '4']);
    expect(before.stdout).toBe('id,text,n\n1,"a, b",\n2,ü,[1]\n3,,\n');
    expect(await run(['export', 'notes', '--history', '--format', 'json'])).toMatchObject({
      code: 5,
    });
  });

  it.each(['ndjson', 'json', 'csv'])('and import as %s give the same rows', async (format) => {
    const { run } = await filled();
    const path = file(`cycle.${format}`);
    await run(['export', 'notes', '--format', format, '--output', path]);
    const schema = { properties: { id: { type: 'integer' }, n: { type: 'array' }, text: {} } };
    const words = ['--table', 'notes', '--key', 'id'];
    const typed = ['--schema', file('notes.json', JSON.stringify(schema))];
    const copy = newStore();
    expect(await copy.run(['import', path, ...words, ...typed])).toMatchObject({ code: 0 });
    expect((await copy.run(['export', 'notes'])).stdout).toBe(
      (await run(['export', 'notes'])).stdout,
    );
  });

  it('and import of a history give the same versions, times, actors and reasons', async () => {
    const { run } = await filled();
    const path = file('history.ndjson');
    await run(['export', 'notes', '--history', '--output', path]);
    const copy = newStore();
    const words = ['--table', 'notes', '--key', 'id', '--key-type', 'integer'];
    expect(await copy.run(['import', '--history', path, ...words])).toMatchObject({ code: 0 });
    for (const key of ['1', '2', '3']) {
      const asked = ['--json', 'history', 'notes', key];
      const [got, wanted] = [(await copy.run(asked)).json, (await run(asked)).json];
      expect(got.map(withoutPosition)).toEqual(wanted.map(withoutPosition));
    }
  });
});

/** Definitions take positions of their own, so those of rows are others in a copy. */
function withoutPosition(version: unknown): unknown {
  const { position: _, ...rest } = version as { position: number };
  return rest;
}

describe('an import of rows', () => {
  const rows = Array.from({ length: 30 }, (_, n) => `{"id":${n},"full name":"n${n}"}`);
  rows[4] = 'not JSON';
  rows[7] = '{"id":6}';
  rows[20] = '{"id":"text"}';
  const words = ['--table', 't', '--key', 'id', '--batch', '10'];

  it('writes nothing in a dry run, and shows what it would reject', async () => {
    const { run, data } = newStore();
    const path = file('some.ndjson', rows.join('\n'));
    const dry = await run(['--json', 'import', path, ...words, '--dry-run']);
    expect(dry.code).toBe(5);
    expect(dry.json).toMatchObject([{ rows: 27, rejected: 3, dryRun: true }]);
    expect(dry.json[0]).toMatchObject({
      rejectedLines: [
        { line: 5, code: 'IMPORT_INVALID', reason: expect.stringMatching(/not JSON/) },
        { line: 8, code: 'ROW_EXISTS', source: { id: 6 } },
        { line: 21, code: 'KEY_TYPE' },
      ],
    });
    expect(existsSync(data)).toBe(false);
    const shown = await run(['import', path, ...words, '--dry-run']);
    expect(shown.stdout).toMatch(
      /would import 27 rows in 3 commits into t; 3 lines rejected; noth/,
    );
    expect(shown.stdout).toMatch(/^ *8 +ROW_EXISTS/m);
    await run(['import', path, ...words, '--rejected', file('r0.ndjson')]);
    const again = await run(['--json', 'import', path, ...words, '--dry-run']);
    expect(again.json).toMatchObject([{ rows: 0, rejected: 30 }]);
    expect((await run(['--quiet', 'count', 't'])).stdout).toBe('27\n');
  });

  it('puts rejected lines into a file, renames columns, and loses nothing', async () => {
    const { run } = newStore();
    const [path, bad] = [file('more.ndjson', rows.join('\n')), file('bad.ndjson')];
    const done = ['import', path, ...words, '--rejected', bad, '--map', 'name=full name'];
    expect(await run(done)).toMatchObject({
      code: 5,
      stdout: expect.stringMatching(/^imported 27 rows in 3 commits into t; 3 lines rejected; now/),
    });
    const lines = readFileSync(bad, 'utf8').trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { line: number }).line)).toEqual([5, 8, 21]);
    expect((await run(['--json', 'get', 't', '3'])).json).toMatchObject([
      { row: { id: 3, name: 'n3' } },
    ]);
    // Refused as a whole: what the first run rejected stays.
    expect(await run(done)).toMatchObject({ code: 5, stderr: expect.stringMatching(/--resume/) });
    expect(readFileSync(bad, 'utf8').trim().split('\n')).toEqual(lines);
    const fine = file('fine.ndjson', '{"id":100}');
    expect(await run(['import', fine, ...words, '--rejected', bad])).toMatchObject({ code: 0 });
    expect(readFileSync(bad, 'utf8')).toBe('');
  });

  it('goes on behind a rejected line that a kill tore', async () => {
    const { run } = newStore();
    const [path, bad] = [file('torn.ndjson', rows.join('\n')), file('torn.bad')];
    const command = ['import', path, ...words, '--rejected', bad];
    await run(command);
    const whole = readFileSync(bad, 'utf8');
    writeFileSync(bad, whole.slice(0, -20));
    // In another store, so that the batches are decided again.
    await newStore().run([...command, '--resume']);
    expect(readFileSync(bad, 'utf8')).toBe(whole);
  });

  it('is not done twice: --resume goes on, --again means it', async () => {
    const { run } = newStore();
    const good = rows.filter((_, n) => ![4, 7, 20].includes(n));
    const half = file('half.ndjson', good.slice(0, 20).join('\n'));
    const whole = file('whole.ndjson', good.join('\n'));
    expect(await run(['import', half, ...words])).toMatchObject({ code: 0 });
    const refused = await run(['import', whole, ...words]);
    expect(refused).toMatchObject({ code: 5, stderr: expect.stringMatching(/--resume goes on/) });
    expect((await run(['--json', 'import', whole, ...words, '--resume'])).json).toMatchObject([
      { rows: 7, commits: 1, skipped: 20 },
    ]);
    expect((await run(['--quiet', 'count', 't'])).stdout).toBe('27\n');
    const keyless = file('keyless.csv', 'text\nx\ny\n');
    for (const more of [[], ['--again'], ['--resume']]) {
      expect(await run(['import', keyless, '--table', 'k', ...more])).toMatchObject({ code: 0 });
    }
    expect((await run(['--quiet', 'count', 'k'])).stdout).toBe('4\n');
    expect(await run(['import', keyless, '--table', 'k'])).toMatchObject({ code: 5 });
  });

  it('rejects a line of CSV that has other columns, and reads a JSON array', async () => {
    const { run } = newStore();
    const csv = file('wide.csv', 'id,name\n1,a\n2,b,c\n3,"d"\n');
    const bad = file('wide.bad');
    const done = await run(['--json', 'import', csv, '--table', 't', '--rejected', bad]);
    expect(done.json).toMatchObject([{ rows: 2, rejected: 1 }]);
    expect(JSON.parse(readFileSync(bad, 'utf8'))).toMatchObject({ line: 3, source: '2,b,c' });
    const array = await run(['--json', 'import', '-', '--table', 'j', '--dry-run'], {
      stdin: '[{"id":1},\n2]',
    });
    expect(array.json).toMatchObject([{ rows: 1, rejectedLines: [{ line: 2, source: '2' }] }]);
  });
});
