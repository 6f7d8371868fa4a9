/** The entry of a process that runs one workload and says what it measured on its last line. */
import { readFileSync } from 'node:fs';
import { assert } from '../base/index.ts';
import type { Figure } from './figure.ts';
import { processHosts } from './http/index.ts';
import type { Job, JobResult } from './job.ts';
import { keyPeer, orderPeer } from './peers/index.ts';
import { WORKLOADS } from './workloads/index.ts';

async function measured(job: Job): Promise<readonly Figure[]> {
  const workload = WORKLOADS.find(({ name }) => name === job.workload);
  assert(workload !== undefined, 'a job names a workload there is');
  if (workload.kind === 'keys') {
    const peer = keyPeer(job.peer);
    assert(peer !== undefined, `${job.peer} keeps keys`);
    return workload.run({ ...job, peer });
  }
  const peer = orderPeer(job.peer);
  assert(peer !== undefined, `${job.peer} keeps orders`);
  if (workload.kind === 'orders') return workload.run({ ...job, peer });
  return workload.run({ ...job, peer, hosts: processHosts });
}

/** Linux counts them for each process; what was only written to the cache counts when it is flushed. */
function writtenBytes(): number | undefined {
  try {
    const bytes = /^write_bytes: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1];
    return bytes === undefined ? undefined : Number(bytes);
  } catch {
    return undefined;
  }
}

const job: Job = JSON.parse(process.argv[2] ?? '{}');
const figures = await measured(job);
const written = writtenBytes();
const result: JobResult = {
  figures,
  residentBytesMax: process.resourceUsage().maxRSS * 1024,
  ...(written === undefined ? {} : { writtenBytes: written }),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
