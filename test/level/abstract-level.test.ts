import { type EventEmitter, once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TidemarkLevel, type TidemarkLevelOptions } from '../../level/index.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { TinyLevel } from './tiny-level.ts';

/** What tape, with `objectMode`, says of each test and assertion. */
interface TapeRow {
  readonly type: 'test' | 'assert' | 'end';
  readonly name?: string;
  readonly ok?: boolean;
  readonly test?: number;
  readonly actual?: unknown;
  readonly expected?: unknown;
}
interface TapeHarness {
  /** A stream of before Node had async iteration. */
  createStream(options: { objectMode: true }): EventEmitter;
}
type Options = TidemarkLevelOptions<string, string>;
type Suite = (options: {
  test: TapeHarness;
  factory: (options?: Options) => TidemarkLevel | TinyLevel;
}) => void;
type Create = (location: string, options?: Options) => TidemarkLevel | TinyLevel;

// Neither is published with types.
const require = createRequire(import.meta.url);
const suite: Suite = require('abstract-level/test');
const { createHarness }: { createHarness: () => TapeHarness } = require('tape');

/** Runs the suite that abstract-level publishes for its implementations, as it is. */
async function runPublishedSuite(create: Create) {
  const root = temporaryDirectory();
  const names = new Map<number, string>();
  const failures: string[] = [];
  const counts = { databases: 0, tests: 0, assertions: 0 };
  const harness = createHarness();
  const rows = harness.createStream({ objectMode: true });
  suite({
    test: harness,
    factory: (options) => create(join(root, `${counts.databases++}`), options),
  });
  rows.on('data', (row: TapeRow) => {
    if (row.type === 'test') names.set(counts.tests++, row.name ?? '');
    if (row.type !== 'assert') return;
    counts.assertions++;
    if (row.ok === true) return;
    const test = names.get(row.test ?? -1);
    failures.push(`${test}: ${row.name}: ${String(row.actual)}, not ${String(row.expected)}`);
  });
  await once(rows, 'end');
  return { ...counts, failures };
}

describe('the published test suite of abstract-level', () => {
  const levels: Record<string, Create> = {
    'as it comes': (location, options) => new TidemarkLevel(location, options),
    'with memtables and tables so small that all is flushed and merged at once': (
      location,
      options,
    ) => new TinyLevel(location, options),
  };
  for (const [name, create] of Object.entries(levels)) {
    it(`passes ${name}`, async ({ annotate }) => {
      const { databases, tests, assertions, failures } = await runPublishedSuite(create);
      await annotate(`${tests} tests, ${assertions} assertions, ${databases} databases`);
      expect(failures).toEqual([]);
      // Far fewer would mean that the manifest leaves out what it supports.
      expect(tests).toBeGreaterThan(1500);
      expect(assertions).toBeGreaterThan(5000);
    });
  }
});
