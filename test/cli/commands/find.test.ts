import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { runCli } from '../recorded-terminal.ts';

const data = join(temporaryDirectory(), 'shop');

function tidemark(...words: string[]) {
  return runCli(['--data', data, ...words]);
}

beforeAll(async () => {
  await tidemark('create-table', 'goods', '--key', 'id', '--key-type', 'integer');
  for (let id = 1; id <= 4; id++) {
    await tidemark('insert', 'goods', JSON.stringify({ id, price: id * 10, name: `good ${id}` }));
  }
  await tidemark('delete', 'goods', '2');
});

describe('find', () => {
  it('shows rows by conditions, and says what it read', async () => {
    const { stdout, stderr } = await tidemark('find', 'goods', '--where', '{"id":{"lt":4}}');
    expect(stdout).toBe('id  name    price\n 1  good 1     10\n 3  good 3     30\n');
    expect(stderr).toMatch(/^2 rows; 2 postings and 2 rows read\nas of position 6, .*Z\n$/);
  });

  it('goes on at a cursor, at the moment of the first page', async () => {
    const first = await tidemark('find', 'goods', '--limit', '2', '--order', 'id', '--reverse');
    const [, cursor] = /more: --cursor (\S+)/.exec(first.stderr)!;
    await tidemark('update', 'goods', '1', '{"price":11}');
    const words = ['find', 'goods', '--order', 'id', '--reverse', '--cursor', cursor!];
    const next = await tidemark('--json', ...words, '--columns', 'price');
    expect(next.json).toMatchObject([{ key: 1, row: { price: 10 }, asOf: { position: 6 } }]);
  });

  it('answers as of a moment', async () => {
    const words = ['find', 'goods', '--at-position', '5', '--where', '{"price":20}'];
    expect((await tidemark(...words, '--allow-scan')).stdout).toContain('good 2');
  });

  it('refuses what no index serves, and explains what it would do', async () => {
    const refused = await tidemark('find', 'goods', '--where', '{"price":20}');
    expect(refused.code).toBe(5);
    expect(refused.stderr).toMatch(/an index of type equality on \$\.price would/);
    const words = ['find', 'goods', '--order', 'price', '--allow-scan', '--explain'];
    expect((await tidemark(...words)).stdout).toBe(
      'scan: 3 entries\norder: $.price, gathered and sorted\n',
    );
  });

  it('refuses conditions that are none', async () => {
    const { code, stderr } = await tidemark('find', 'goods', '--where', 'price=3');
    expect(code).toBe(5);
    expect(stderr).toMatch(/"price=3" is no where; a where is a JSON object/);
    expect((await tidemark('find', 'goods', '--reverse')).stderr).toMatch(/needs an --order/);
  });
});
