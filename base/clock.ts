/** Wall time, passed in so that tests and simulations can bring their own. */
export interface Clock {
  /** Microseconds since 1970-01-01T00:00:00Z. May jump either way: only commits order time. */
  nowMicros(): number;
}

const originMicros = performance.timeOrigin * 1000;

/** The machine's clock. `Date.now` is followed; the digits below a millisecond are the monotonic clock's. */
export const systemClock: Clock = {
  nowMicros() {
    const wallMillis = Date.now();
    const fine = Math.floor(originMicros + performance.now() * 1000);
    // The monotonic clock does not follow a wall clock that was set: then the wall clock wins.
    return Math.abs(fine - wallMillis * 1000) < 2000 ? fine : wallMillis * 1000;
  },
};
