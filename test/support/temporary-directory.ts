import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const paths: string[] = [];

// Here and not in the function: vitest ignores what a running test registers.
afterAll(() => {
  for (const path of paths) rmSync(path, { recursive: true, force: true });
});

/** A directory of its own, gone when the test file is done. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'tidemark-'));
  paths.push(path);
  return path;
}
