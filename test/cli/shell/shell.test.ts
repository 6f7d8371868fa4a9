import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { Output } from '../../../cli/output.ts';
import { buildProgram } from '../../../cli/program.ts';
import { completed } from '../../../cli/shell/completion.ts';
import { Session } from '../../../cli/shell/session.ts';
import { processTerminal } from '../../../cli/terminal.ts';
import { Database } from '../../../database/index.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { runCli } from '../recorded-terminal.ts';

const root = temporaryDirectory();

function shell(name: string, lines: readonly string[], ...options: string[]) {
  const words = ['--data', join(root, name), ...options, 'shell'];
  return runCli(words, { stdin: lines.map((line) => `${line}\n`).join('') });
}

describe('the shell, from a pipe', () => {
  it('runs commands on one store, rows over several lines included', async () => {
    const { stdout, code } = await shell('one', [
      'create-table orders --key id --key-type integer',
      'put orders {"id": 1,',
      '  "state": "open"} --actor ana',
      '# nothing happens here',
      'update orders 1 {"state": "paid"} --reason "by card"',
      'scan orders',
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/put orders 1, version 1.*\n(?:.*\n)*id {2}state\n 1 {2}paid\n$/);
  });

  it('stands in the past until told to go back, and writes nothing there', async () => {
    const { json, stderr, code } = await shell(
      'past',
      [
        'create-table t --key id',
        'put t {"id": "a", "n": 1}',
        'put t {"id": "a", "n": 2}',
        '.as-of 2',
        'get t a',
        'get t a --at-position 3',
        'put t {"id": "b"}',
        '.now',
        'get t a',
        'count t',
      ],
      '--json',
    );
    expect(json.slice(3)).toMatchObject([
      { row: { n: 1 }, asOf: { position: 2 } },
      { row: { n: 2 }, asOf: { position: 3 } },
      { row: { n: 2 } },
      { count: 1 },
    ]);
    expect(stderr).toContain('the past does not change');
    expect(code).toBe(2);
  });

  it('knows the words of key/value shells', async () => {
    const { stdout, code } = await shell('words', [
      'SET a {"n": 1}',
      'BATCH b=2 c=3',
      'GET a',
      'DELETE b',
      'KEYS',
      'SCAN c',
      'COUNT',
      'ALL --limit 1',
    ]);
    expect(code).toBe(0);
    const lines = stdout.split('\n').map((line) => line.trim());
    expect(lines).toContain('{"n":1}');
    expect(lines.slice(lines.indexOf('key'))).toEqual([
      'key',
      'a',
      'c',
      'key  value  version',
      expect.stringMatching(/^c +3 +1$/),
      '2',
      'key  value    version',
      expect.stringMatching(/^a +\{"n":1\} +1$/),
      '',
    ]);
  });

  it('goes on after a failure, and ends with the code of the first', async () => {
    const lines = ['get nowhere 1', '.as-of tomorrow', '.what', 'serve', 'tables', 'say "hi'];
    const { code, stderr } = await shell('failing', lines);
    expect(code).toBe(3);
    expect(stderr).toContain('TABLE_UNKNOWN');
    expect(stderr).toContain('TIME_MALFORMED');
    expect(stderr).toContain('there is no .what');
    expect(stderr).toContain('serve runs outside the shell');
    expect(stderr).toContain('the input ends in the middle of a line');
  });

  it('leaves where it is told to', async () => {
    const { stdout, code } = await shell('leaving', ['.help', '.quit', 'get nowhere 1']);
    expect(code).toBe(0);
    expect(stdout).toContain('.as-of <time|position>');
    expect(stdout).toContain('history');
  });
});

describe('completion', () => {
  it('offers commands, tables, keys and options', async () => {
    const database = await Database.memory();
    await database.createTable('orders', { primaryKey: 'id' });
    await database.createTable('customers', { primaryKey: 'id', keyType: 'integer' });
    const rows = ['ana', 'anton', 'two words', 'zoe'].map((id) => ({ id }));
    await database.table('orders').insertMany(rows);
    const program: Command = buildProgram(
      processTerminal(),
      new Output(processTerminal().stdout),
      () => undefined,
      { runWords: async () => 0 },
    );
    const options = { data: 'x', json: false, quiet: false, verbose: false, color: true };
    const held = { directory: 'x', database };
    const session = new Session({ held, options, program, runWords: async () => 0 });
    expect(completed(session, 'his')).toEqual([['history '], 'his']);
    expect(completed(session, '.a')).toEqual([['.as-of '], '.a']);
    expect(completed(session, 'get ')).toEqual([['customers ', 'orders '], '']);
    expect(completed(session, 'get orders an')).toEqual([['ana ', 'anton '], 'an']);
    expect(completed(session, 'get orders ')[0]).toContain('"two words" ');
    expect(completed(session, 'scan orders --l')).toEqual([['--limit '], '--l']);
    expect(completed(session, 'nothing x')).toEqual([[], 'x']);
    await database.close();
  });
});
