/** The entry of a process that runs one workload and says what it measured on its last line. */
import { assert } from '../base/index.ts';
import type { Job, JobResult } from './job.ts';
import { loadPeers } from './peers/index.ts';
import { WORKLOADS } from './workloads/index.ts';

const job: Job = JSON.parse(process.argv[2] ?? '{}');
const { peers } = loadPeers([job.peer]);
const [peer] = peers;
const workload = WORKLOADS.find(({ name }) => name === job.workload);
assert(peer !== undefined && workload !== undefined, 'a job names a peer and a workload there are');
const figures = await workload.run({ ...job, peer });
const result: JobResult = {
  figures,
  residentBytesMax: process.resourceUsage().maxRSS * 1024,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
