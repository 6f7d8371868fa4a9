import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tidemark } from '../../bench/peers/index.ts';
import { WORKLOADS } from '../../bench/workloads/index.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** Every workload checks its answers as it runs; what it measures at this size means nothing. */
describe('the benchmark at a tiny size', () => {
  const directory = temporaryDirectory();
  for (const { name, needs, run } of WORKLOADS) {
    it(`${name}: the answers are right, and there are figures`, async () => {
      const keeps = needs === 'history' || name === 'history';
      const scene = {
        peer: tidemark,
        directory: join(directory, keeps ? 'history' : name),
        events: 200,
        questions: 200,
        millis: 0,
        seed: 1,
      };
      mkdirSync(scene.directory, { recursive: true });
      const figures = await run(scene);
      expect(figures.length).toBeGreaterThan(0);
      for (const { value } of figures) expect(value).toBeGreaterThanOrEqual(0);
    });
  }
});
