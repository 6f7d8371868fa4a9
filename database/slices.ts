const SLICE_MS = 5;

/** Runs a walk to its end, a few milliseconds at a time. Gives the last thing it yielded. */
export async function inSlices<T>(
  walk: Generator<T>,
  progress: (step: T) => void,
): Promise<T | undefined> {
  let last: T | undefined;
  let started = performance.now();
  for (const step of walk) {
    last = step;
    if (performance.now() - started < SLICE_MS) continue;
    progress(step);
    await new Promise(setImmediate);
    started = performance.now();
  }
  return last;
}
