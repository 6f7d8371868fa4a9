import type { MaybePromise } from './peers/index.ts';

/** Seconds that `work` takes. */
export async function seconds(work: () => MaybePromise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

/** Runs `work` for at least this long and this often; gives seconds and runs. */
export async function repeated(
  { millis, atLeast }: { readonly millis: number; readonly atLeast: number },
  work: (run: number) => MaybePromise<void>,
): Promise<{ readonly seconds: number; readonly runs: number }> {
  const started = performance.now();
  let runs = 0;
  while (runs < atLeast || performance.now() - started < millis) await work(runs++);
  return { seconds: (performance.now() - started) / 1000, runs };
}
