/**
 * Moments: what callers say (a time, or a position) and what it stands for, a commit boundary.
 *
 * Both are inclusive: as of a time means with the last commit stamped at or before it. A time that
 * has not passed gives the present, and says so: `provisional`, because a commit may still come at
 * or before it.
 */
import { type Clock, formatTime, parseTime, TidemarkError, type TimeInput } from '../base/index.ts';
import type { EventStore } from '../eventlog/index.ts';
import type { KeyspaceStore } from '../storage/index.ts';

export type MomentInput =
  | TimeInput
  | { readonly position: number; readonly time?: undefined }
  | { readonly time: TimeInput; readonly position?: undefined };

export interface Moment {
  /** The last position that is seen; 0 before the first commit. */
  readonly position: number;
  /** Timestamp of the commit at that position, microseconds; 0 before the first. */
  readonly time: number;
  /** True if the answer may still change: the time asked for has not passed yet. */
  readonly provisional: boolean;
}

/** What moments are resolved against. */
export interface Present {
  readonly events: EventStore;
  readonly store: KeyspaceStore;
  readonly clock: Clock;
}

/** @throws TIME_MALFORMED, TIME_WITHOUT_ZONE, TIME_OUT_OF_RANGE, POSITION_INVALID, POSITION_AHEAD */
export function resolveMoment(input: MomentInput, present: Present): Moment {
  if (typeof input === 'object' && input !== null && !(input instanceof Date)) {
    if ((input.position === undefined) === (input.time === undefined)) {
      throw new TidemarkError('ARGUMENT_INVALID', 'a moment is a time, {time} or {position}');
    }
    if (input.position !== undefined) return atPosition(input.position, present.events);
    return atTime(parseTime(input.time), present);
  }
  return atTime(parseTime(input), present);
}

function atTime(time: number, { events, store, clock }: Present): Moment {
  // The clock first: a commit that comes between the two would be stamped later than it.
  const passed = time < clock.nowMicros();
  const { head } = events;
  if (time < head.time) return { ...events.reader().commitEndAtTime(time), provisional: false };
  // A commit that is on its way to the disk has its timestamp already.
  const pending = events.appendedPosition > head.position;
  const settled = !pending || events.reader(store.latest).positionAt(time) <= head.position;
  return { ...head, provisional: !settled || (!passed && time > head.time) };
}

function atPosition(position: number, events: EventStore): Moment {
  if (!Number.isSafeInteger(position) || position < 0) {
    throw new TidemarkError(
      'POSITION_INVALID',
      `${String(position)} is no position; allowed: whole numbers from 0 to ${events.head.position}`,
      { position },
    );
  }
  const { head } = events;
  if (position > head.position) {
    throw new TidemarkError(
      'POSITION_AHEAD',
      `position ${position} lies past the head; allowed: 0 to ${head.position} (${formatTime(head.time)})`,
      { position, head: head.position },
    );
  }
  const end = position === head.position ? head : events.reader().commitEndAt(position);
  return { ...end, provisional: false };
}
