import type { Clock } from '../../base/index.ts';

/** A clock that a test moves; it goes on by one step each time it is asked. */
export class FakeClock implements Clock {
  micros: number;
  readonly #stepMicros: number;

  /** @param start microseconds since 1970; by default 2026-01-01T00:00:00Z */
  constructor(start = 1_767_225_600_000_000, stepMicros = 1000) {
    this.micros = start;
    this.#stepMicros = stepMicros;
  }

  nowMicros(): number {
    this.micros += this.#stepMicros;
    return this.micros;
  }
}
