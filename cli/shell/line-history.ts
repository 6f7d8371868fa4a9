/** Lines typed in earlier shells, newest first, kept in the user's own directory. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const LINES_MAX = 1000;

/** Undefined where there is no home directory to keep them in. */
function fileOf(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const { XDG_STATE_HOME, HOME } = environment;
  const state = XDG_STATE_HOME ?? (HOME === undefined ? undefined : join(HOME, '.local/state'));
  return state === undefined ? undefined : join(state, 'tidemark', 'shell-history');
}

export function readLines(environment: Readonly<Record<string, string | undefined>>): string[] {
  const file = fileOf(environment);
  try {
    return file === undefined ? [] : readFileSync(file, 'utf8').split('\n').filter(Boolean);
  } catch {
    return [];
  }
}

/** A history that cannot be kept is no reason to fail: the shell is over, and its work is done. */
export function keepLines(
  environment: Readonly<Record<string, string | undefined>>,
  lines: readonly string[],
): void {
  const file = fileOf(environment);
  if (file === undefined) return;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, `${lines.slice(0, LINES_MAX).join('\n')}\n`, { mode: 0o600 });
  } catch {
    // Said above.
  }
}
