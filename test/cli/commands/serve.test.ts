import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { runCli } from '../recorded-terminal.ts';

/** Serves until it says that it listens. */
function serve(...words: readonly string[]) {
  return runCli(['serve', '--port', '0', ...words], {
    onError: (text, interrupt) => {
      if (text.includes('authentication is off')) interrupt();
    },
  });
}

describe('serve', () => {
  it('says where it listens, warns that everybody may write, and ends cleanly', async () => {
    const { code, stdout, stderr } = await serve('--data', join(temporaryDirectory(), 'store'));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^listening at http:\/\/127\.0\.0\.1:\d+\n$/);
    const logged = stderr.trim().split('\n');
    for (const line of logged) expect(() => JSON.parse(line)).not.toThrow();
  });

  it('takes its settings from a file, and flags before them', async () => {
    const file = join(temporaryDirectory(), 'service.toml');
    writeFileSync(file, '[server]\nport = 1\nhost = "localhost"\nlog_level = "warn"\n');
    const { code, json } = await serve('--config', file, '--json', '--set', 'host=127.0.0.1');
    expect([code, json]).toEqual([
      0,
      [{ url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) }],
    ]);
  });

  it('refuses settings it does not know, saying what is allowed', async () => {
    const file = join(temporaryDirectory(), 'service.toml');
    writeFileSync(file, '[server]\nprot = 1\n');
    const cases = [
      [['--config', file], /CONFIGURATION_INVALID: .*service\.toml, line 2, prot: .*allowed: host/],
      [['--config', `${file}x`], /INPUT_MISSING/],
      [['--set', 'prot=1'], /CONFIGURATION_INVALID: --set prot: .*allowed: host/],
      [['--set', 'prot'], /CONFIGURATION_INVALID: --set is "prot"; allowed: name=value/],
      [
        ['--host', '0.0.0.0'],
        /CONFIGURATION_INVALID: host: .* while auth is off; allowed: auth = "tokens", or 127/,
      ],
    ] as const;
    for (const [words, says] of cases) {
      const { code, stderr } = await serve(...words);
      expect(code).toBeGreaterThan(1);
      expect(stderr).toMatch(says);
    }
  });
});
