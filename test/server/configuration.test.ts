import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isTidemarkError } from '../../base/index.ts';
import { type ConfigurationSources, loadConfiguration } from '../../server/index.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

function file(text: string): string {
  const path = join(temporaryDirectory(), 'tidemark.toml');
  writeFileSync(path, text);
  return path;
}

function refusal(sources: ConfigurationSources): string {
  try {
    loadConfiguration(sources);
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    expect(['CONFIGURATION_INVALID', 'INPUT_MISSING']).toContain(error.code);
    return error.message;
  }
  return expect.fail('nothing was refused');
}

describe('a configuration', () => {
  it('is one instance on loopback if nothing is said', () => {
    const { server, instances } = loadConfiguration({});
    expect(server).toMatchObject({ host: '127.0.0.1', port: 7654, auth: 'off' });
    expect(instances).toEqual([
      { name: 'default', directory: 'data/default', query: true, options: {} },
    ]);
  });

  it('takes flags before the environment before the file', () => {
    const path = file('[server]\nport = 1\nhost = "localhost"\nbody_bytes_max = "2 MiB"');
    const environment = { TIDEMARK_PORT: '2', TIDEMARK_CONNECTIONS_MAX: '5', OTHER: 'x' };
    const { server } = loadConfiguration({ file: path, environment, flags: { port: '3' } });
    expect(server).toMatchObject({ port: 3, connectionsMax: 5, bodyBytesMax: 2 * 1024 * 1024 });
    expect(loadConfiguration({ file: path, environment }).server.port).toBe(2);
    expect(loadConfiguration({ file: path }).server.port).toBe(1);
  });

  it('has several instances, their directories relative to the file', () => {
    const path = file(`[server]
data_dir = "stores"
[[instance]]
name = "app"
memtable_max_size = "8 MiB"
indexes_file = "indexes.toml"
snapshot_every = false
[[instance]]
name = "log"
data_dir = "/elsewhere/log"
durability = "os"
query = false
snapshot_keep_last = 3`);
    expect(loadConfiguration({ file: path }).instances).toEqual([
      {
        name: 'app',
        directory: join(path, '../stores/app'),
        query: true,
        options: {
          indexesFile: join(path, '../indexes.toml'),
          memtableBytes: 8 * 1024 * 1024,
          snapshotEvery: false,
        },
      },
      {
        name: 'log',
        directory: '/elsewhere/log',
        query: false,
        options: { durability: 'os', snapshotRetention: { keepLast: 3, keepPerDoubling: 4 } },
      },
    ]);
  });

  const wrong: Record<string, [string, RegExp]> = {
    'what is not TOML': ['[server]\nport = \n', /tidemark\.toml, line 2: .*allowed: TOML/],
    'an unknown table': ['\n[sever]\nport = 1', /line 2: sever is not known; allowed: \[server\]/],
    'an unknown setting': [
      '[server]\n\nprot = 1',
      /line 3, prot: is not known; allowed: host, port/,
    ],
    'a wrong type': [
      '[server]\nport = "1"',
      /line 2, port: is "1"; allowed: a whole number from 0/,
    ],
    'a value outside its range': ['[server]\nport = 65536', /line 2, port: is 65536/],
    'one of two': [
      '[[instance]]\nname = "a"\n[[instance]]\nname = "b"\ndurability = "none"',
      /line 5, durability: is "none"; allowed: "fsync", "os"/,
    ],
    'an instance without a name': ['[[instance]]\ndata_dir = "x"', /line 1, name: is missing/],
    'a name that is a path': ['[[instance]]\nname = "../x"', /line 2, name: .*no instance name/],
    'two of a name': [
      '[[instance]]\nname = "a"\n[[instance]]\nname = "a"',
      /line 4, name: there are/,
    ],
    'two in one directory': [
      '[[instance]]\nname = "a"\ndata_dir = "x"\n[[instance]]\nname = "b"\ndata_dir = "./x"',
      /line 6, data_dir: is that of another/,
    ],
    'a file of indexes where there are none': [
      '[[instance]]\nname = "a"\nquery = false\nindexes_file = "i.toml"',
      /line 4, indexes_file: is given while query is false/,
    ],
    'a single [instance]': ['[instance]\nname = "a"', /line 1: is one table/],
    'an open door without authentication': ['[server]\nhost = "0.0.0.0"', /while auth is off/],
    'half of a certificate': ['[server]\ntls_cert = "a.pem"', /only one of them/],
  };
  for (const [what, [text, says]] of Object.entries(wrong)) {
    it(`refuses ${what}, saying where and what is allowed`, () => {
      const message = refusal({ file: file(text) });
      expect(message).toMatch(says);
      expect(message).toMatch(/allowed: /);
    });
  }

  it('refuses variables and flags the same way', () => {
    expect(refusal({ environment: { TIDEMARK_PORT: 'tcp://10.0.0.1:80' } })).toMatch(
      /^TIDEMARK_PORT: is "tcp:.*allowed: a whole number/,
    );
    expect(refusal({ flags: { prot: '1' } })).toMatch(/--set prot: there is no such setting/);
    expect(refusal({ file: '/nowhere/tidemark.toml' })).toMatch(/cannot read/);
  });
});
