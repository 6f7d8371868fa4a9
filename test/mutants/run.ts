/**
 * Plants each bug of `mutants.ts` in a copy of the tree and runs the tests that must find it.
 * Before that the tests run without any: where they fail by themselves, finding a bug says nothing.
 *
 * `npm run mutants` runs all, `npm run mutants -- sync floor` those with one of the words in their
 * names. Prints a table; exits with 1 if a bug was missed.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { MUTANTS, type Mutant } from './mutants.ts';

const ROOT = process.cwd();
const LEFT_OUT = ['node_modules', '.git', 'data', 'bench/stores', 'bench/results', 'coverage'];
/** A bug may make a test wait for ever. */
const TEST_TIMEOUT_MS = 30_000;
const RUN_TIMEOUT_MS = 10 * 60_000;

interface Outcome {
  readonly failed: boolean;
  /** The first test that failed; empty if none did, or none came to run. */
  readonly by: string;
  readonly seconds: number;
}

function withCopy<T>(use: (copy: string) => T): T {
  const copy = mkdtempSync(join(tmpdir(), 'tidemark-mutant-'));
  try {
    cpSync(ROOT, copy, { recursive: true, filter: (path) => isCopied(relative(ROOT, path)) });
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    return use(copy);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function isCopied(path: string): boolean {
  return !LEFT_OUT.includes(path) && !path.startsWith('dist');
}

function plant({ file, search, replace }: Mutant, copy: string): void {
  const path = join(copy, file);
  writeFileSync(
    path,
    readFileSync(path, 'utf8').replace(search, () => replace),
  );
}

function runTests(tests: readonly string[], copy: string): Outcome {
  const start = performance.now();
  const report = join(copy, 'mutant-report.json');
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const { status } = spawnSync(
    process.execPath,
    [
      ...[vitest, 'run', '--bail=1'],
      ...[`--testTimeout=${TEST_TIMEOUT_MS}`, `--hookTimeout=${TEST_TIMEOUT_MS}`],
      ...['--reporter=json', `--outputFile=${report}`, ...tests],
    ],
    { cwd: copy, stdio: 'ignore', timeout: RUN_TIMEOUT_MS, killSignal: 'SIGKILL' },
  );
  const seconds = Math.round((performance.now() - start) / 1000);
  return { failed: status !== 0, by: status === 0 ? '' : firstFailure(report, copy), seconds };
}

function firstFailure(report: string, copy: string): string {
  const { testResults } = readReport(report);
  for (const { name, assertionResults, status } of testResults) {
    const failed = assertionResults.find((test) => test.status === 'failed');
    if (failed === undefined && status !== 'failed') continue;
    return [relative(copy, name), failed?.fullName.replace(/ \(.*$/, '')]
      .filter(Boolean)
      .join(': ');
  }
  return 'did not end';
}

interface TestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/** What vitest writes; nothing if it was ended before it could. */
function readReport(path: string): TestReport {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as TestReport;
  } catch {
    return { testResults: [] };
  }
}

const words = process.argv.slice(2);
const chosen = MUTANTS.filter(
  ({ name }) => words.length === 0 || words.some((word) => name.includes(word)),
);
const harnesses = [...new Set(chosen.flatMap(({ tests }) => tests))];
process.stdout.write(`${harnesses.length} test files without any bug …\n`);
const sound = withCopy((copy) => runTests(harnesses, copy));
if (sound.failed) {
  process.stdout.write(`fail by themselves: ${sound.by}\n`);
  process.exitCode = 1;
} else {
  process.stdout.write(
    '\n| planted bug | breaks | outcome | found by | seconds |\n|---|---|---|---|---|\n',
  );
  for (const mutant of chosen) {
    const { failed, by, seconds } = withCopy((copy) => {
      plant(mutant, copy);
      return runTests(mutant.tests, copy);
    });
    if (!failed) process.exitCode = 1;
    const outcome = failed ? 'caught' : '**missed**';
    process.stdout.write(
      `| ${mutant.name} | ${mutant.promise} | ${outcome} | ${by} | ${seconds} |\n`,
    );
  }
}
