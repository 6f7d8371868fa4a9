import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { runCli } from '../recorded-terminal.ts';

const directory = temporaryDirectory();

function at(name: string) {
  const data = join(directory, name);
  return (words: string, ...rest: string[]) =>
    runCli(['--data', data, ...words.split(' '), ...rest]);
}

describe('keys from the command line', () => {
  const tidemark = at('json');

  it('are set, read, taken away, and read as they were', async () => {
    await tidemark('init');
    expect(await tidemark('keys set a {"n":1} --actor ana')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^set "a", version 1, at position 2, /),
    });
    expect((await tidemark('keys set a {"n":1}')).stdout).toMatch(/^nothing to change in "a"/);
    const set = await tidemark('--json keys set', 'b b', '"text"', '--expected-version', '1');
    expect(set.code).toBe(4);
    await tidemark('keys set', 'b b', '"text"');
    expect((await tidemark('keys get a')).stdout).toBe('{"n":1}\n');
    expect((await tidemark('--json keys scan --prefix b')).json).toMatchObject([
      { key: 'b b', value: 'text', version: 1 },
    ]);
    expect((await tidemark('--json keys search', ' ')).json).toMatchObject([{ key: 'b b' }]);
    await tidemark('keys delete a');
    expect(await tidemark('keys get a')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('KEY_NOT_FOUND'),
    });
    expect((await tidemark('keys get a --at-position 2')).stdout).toBe('{"n":1}\n');
    expect((await tidemark('--json keys history a')).json).toMatchObject([
      { key: 'a', op: 'insert', value: { n: 1 }, actor: 'ana' },
      { op: 'delete', version: 2 },
    ]);
    expect((await tidemark('keys count')).stdout).toBe('1\n');
    expect((await tidemark('keys count --prefix x')).stdout).toBe('0\n');
    expect(await tidemark('keys history none')).toMatchObject({ code: 3 });
  });

  it('refuse what is no JSON, and a codec that the store does not have', async () => {
    expect(await tidemark('keys set a text')).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('VALUE_INVALID'),
    });
    expect(await tidemark('keys set a 1 --codec raw')).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('CODEC_MISMATCH'),
    });
    expect(await tidemark('keys set a 1 --codec xml')).toMatchObject({ code: 2 });
  });

  it('hold text or bytes in a raw store', async () => {
    const raw = at('raw');
    await raw('init');
    await raw('keys set a text --codec raw');
    await raw('keys set b /wA= --base64');
    expect((await raw('keys get a')).stdout).toBe('text\n');
    expect((await raw('keys get b')).stdout).toBe('base64:/wA=\n');
    expect((await raw('--json keys get b')).json).toMatchObject([{ value: { $base64: '/wA=' } }]);
    expect((await raw('--json log --table $keys --key a')).json).toMatchObject([
      { key: 'a', row: { value: { $base64: 'dGV4dA==' } } },
    ]);
  });
});

describe('collections from the command line', () => {
  const tidemark = at('documents');

  it('are made, listed, written and read', async () => {
    const made = await tidemark('--json collection create people --codec bson');
    expect(made).toMatchObject({ code: 0, json: [{ collection: 'people' }] });
    const inserted = await tidemark('--json collection insert people {"name":"Ana"}');
    const [{ key }] = inserted.json as [{ key: string }];
    await tidemark(`collection update people ${key} {"name":null,"n":1}`);
    expect((await tidemark(`--json get people ${key}`)).json).toMatchObject([
      { row: { _id: key, n: 1 }, version: 2 },
    ]);
    expect((await tidemark('--json collection list')).json).toMatchObject([
      { name: 'people', kind: 'collection', codec: 'bson', documents: 1 },
    ]);
    await tidemark(`collection replace people ${key} {"m":2}`);
    expect((await tidemark('--json find people --where {"m":2} --allow-scan')).json).toHaveLength(
      1,
    );
    await tidemark(`collection delete people ${key}`);
    expect((await tidemark('count people')).stdout).toBe('0\n');
    expect((await tidemark(`--json history people ${key}`)).json).toHaveLength(4);
    expect(await tidemark('collection insert nowhere {}')).toMatchObject({ code: 3 });
  });
});
