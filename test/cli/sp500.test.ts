/**
 * Fourteen years of the S&P 500 through the command line. The data set is not part of the
 * repository; it lies beside it on machines of the project. Without it these tests do not run, and say so.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { runCli } from './recorded-terminal.ts';

const source = join(import.meta.dirname, '../../../shared/data/sp500');
const isThere = existsSync(source);
const data = join(temporaryDirectory(), 'store');
if (!isThere) {
  process.stderr.write('WARNING: the S&P 500 data set is missing; its tests do NOT run\n');
}

interface Truth {
  readonly asOf: string;
  readonly rows: readonly object[];
}

function truths(): Truth[] {
  const directory = join(source, 'truth');
  return readdirSync(directory).map(
    (name) => JSON.parse(readFileSync(join(directory, name), 'utf8')) as Truth,
  );
}

async function rowsAsOf(time: string, store = data): Promise<unknown[]> {
  const words = ['--data', store, '--json', 'scan', 'constituents', '--as-of', time];
  return (await runCli(words)).json.map((line) => (line as { row: unknown }).row);
}

describe.runIf(isThere)('the S&P 500', () => {
  beforeAll(async () => {
    const file = join(source, 'changes.ndjson.gz');
    const words = ['import', '--history', file, '--table', 'constituents', '--key', 'Symbol'];
    const { json } = await runCli(['--data', data, '--json', ...words]);
    expect(json).toMatchObject([{ commits: 187, events: 4696 }]);
  });

  it('is at each of 15 moments what was published', async () => {
    const all = truths();
    expect(all).toHaveLength(15);
    for (const { asOf, rows } of all) expect(await rowsAsOf(asOf)).toEqual(rows);
  });

  it.each([
    ['in the shape of MariaDB', 'csv', ['--zone', 'Z']],
    ['as commits', 'ndjson', []],
  ])(
    'is the same at all of them when its history was exported %s and imported',
    async (_, format, more) => {
      const file = join(data, '..', `history.${format}`);
      const exported = [
        'export',
        'constituents',
        '--history',
        '--format',
        format,
        '--output',
        file,
      ];
      expect(await runCli(['--data', data, ...exported])).toMatchObject({ code: 0 });
      const copy = join(data, '..', `copy-${format}`);
      const words = ['--history', file, '--table', 'constituents', '--key', 'Symbol', ...more];
      const { json } = await runCli(['--data', copy, '--json', 'import', ...words]);
      expect(json).toMatchObject([{ commits: 187, events: 4696, rejected: 0 }]);
      for (const { asOf, rows } of truths()) expect(await rowsAsOf(asOf, copy)).toEqual(rows);
    },
  );

  it('shows BRK.B deleted and inserted again, with versions that go on', async () => {
    const { json } = await runCli(['--data', data, '--json', 'history', 'BRK.B']);
    const versions = json as { version: number; op: string }[];
    expect(versions.map(({ version }) => version)).toEqual(versions.map((_, index) => index + 1));
    expect(versions.slice(0, 3).map(({ op }) => op)).toEqual(['insert', 'delete', 'insert']);
  });
});
