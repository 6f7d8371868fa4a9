import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type Host,
  type Hosts,
  type Listening,
  listenAsEmptyRoute,
  listenAsService,
} from '../../bench/http/index.ts';
import { tidemark, tidemarkKeys } from '../../bench/peers/index.ts';
import { WORKLOADS } from '../../bench/workloads/index.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** In this process: at this size it is the answers that count. */
const hosts: Hosts = {
  service: async (directory) => hostOf(await listenAsService(directory)),
  emptyRoute: async () => hostOf(await listenAsEmptyRoute()),
};

function hostOf({ url, close }: Listening): Host {
  return { port: Number(new URL(url).port), pid: process.pid, stop: close };
}

/** Every workload checks its answers as it runs; what it measures at this size means nothing. */
describe('the benchmark at a tiny size', () => {
  const root = temporaryDirectory();
  const setting = { events: 200, questions: 200, millis: 0, seed: 1 };
  for (const workload of WORKLOADS) {
    it(`${workload.name}: the answers are right, and there are figures`, async () => {
      const { name, needs } = workload;
      const directory = join(root, needs === 'nothing' ? name : needs);
      mkdirSync(directory, { recursive: true });
      const scene = { ...setting, directory };
      const figures = await (workload.kind === 'keys'
        ? workload.run({ ...scene, peer: tidemarkKeys })
        : workload.run({ ...scene, peer: tidemark, hosts }));
      expect(figures.length).toBeGreaterThan(0);
      for (const { value } of figures) expect(value).toBeGreaterThanOrEqual(0);
    });
  }
});
