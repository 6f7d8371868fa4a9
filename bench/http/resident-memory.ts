import { readFileSync } from 'node:fs';

const MIB = 1024 * 1024;
const SAMPLED_MS = 20;

/** MiB that a process has resident; 0 where the system does not say. */
export function residentMib(pid: number): number {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return (Number(kib ?? 0) * 1024) / MIB;
  } catch {
    return 0;
  }
}

/** The most that a process has resident while `work` runs. */
export async function residentMibMax(pid: number, work: () => Promise<void>): Promise<number> {
  let most = residentMib(pid);
  const timer = setInterval(() => {
    most = Math.max(most, residentMib(pid));
  }, SAMPLED_MS);
  await work().finally(() => clearInterval(timer));
  return Math.max(most, residentMib(pid));
}
