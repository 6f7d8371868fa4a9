import { TidemarkError } from '../base/errors.ts';
import { eventsOf, linesOf } from './lines.ts';
import { type Place, timeText } from './place.ts';
import { momentOf, pause, pauseOf } from './transport.ts';
import type { AnsweredMoment, Commit, LogEvent, Operation, RowKey } from './wire.ts';

/** Which events to read: all conditions hold. Positions and times are inclusive. */
export interface LogQuery {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly since?: string | number | Date | undefined;
  readonly until?: string | number | Date | undefined;
  readonly table?: string | undefined;
  /** Needs `table`. */
  readonly key?: RowKey | undefined;
  readonly actor?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly op?: Operation | undefined;
  /** Updates that change this column; needs `table`. */
  readonly changed?: string | undefined;
  /** Newest first. */
  readonly reverse?: boolean | undefined;
  readonly limit?: number | undefined;
}

export interface FollowOptions {
  /** The position to begin at. Default: what comes next. */
  readonly from?: number | undefined;
  /** Only commits that change this table. */
  readonly table?: string | undefined;
  /** Ends the walk. */
  readonly signal?: AbortSignal | undefined;
}

/** Coded errors after which the same request may well succeed. */
const TRANSIENT: readonly string[] = [
  'SERVICE_UNREACHABLE',
  'CLOSED',
  'OVERLOADED',
  'RATE_LIMITED',
];

export class RemoteLog {
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
  }

  /** The newest commit: position of its last event, and time. */
  async head(): Promise<AnsweredMoment> {
    const { headers } = await this.#place.get('/log', { limit: 1, reverse: true });
    return momentOf(headers);
  }

  /** Events that pass all conditions, streamed. */
  async *read(query: LogQuery = {}): AsyncGenerator<LogEvent> {
    for await (const line of this.#lines(query, false)) yield JSON.parse(line) as LogEvent;
  }

  /** Whole commits in which at least one event passes. */
  async *commits(query: LogQuery = {}): AsyncGenerator<Commit> {
    for await (const line of this.#lines(query, true)) yield JSON.parse(line) as Commit;
  }

  /** The commit that holds a position. @throws POSITION_AHEAD … */
  async commit(position: number): Promise<Commit> {
    return (await this.#place.get<Commit>(`/log/${position}`)).body;
  }

  /**
   * Commits from a position on and then live, without a gap and without a repeat, over lost
   * connections and restarts of the service, until `signal` fires.
   * @throws HISTORY_CHANGED if the service was restored to another history, and what is not transient
   */
  async *follow(options: FollowOptions = {}): AsyncGenerator<Commit> {
    const { table, signal } = options;
    // Known before the first connection: one that is lost early would miss what came meanwhile.
    const from = options.from ?? (await this.head()).position + 1;
    let last: string | undefined;
    const isOver = () => signal?.aborted === true;
    for (let attempt = 0; !isOver(); attempt++) {
      try {
        const response = await this.#place.transport.send({
          method: 'GET',
          path: `${this.#place.prefix}/changes`,
          query: { from, table },
          headers: { accept: 'text/event-stream', 'last-event-id': last },
          signal,
        });
        for await (const { id, data } of eventsOf(response.body)) {
          attempt = 0;
          yield JSON.parse(data) as Commit;
          last = id;
          if (isOver()) return;
        }
      } catch (error) {
        if (isOver()) return;
        if (error instanceof TidemarkError && !TRANSIENT.includes(error.code)) throw error;
      }
      await pause(pauseOf(undefined, attempt), signal).catch(() => undefined);
    }
  }

  async *#lines(query: LogQuery, commits: boolean): AsyncGenerator<string> {
    const { correlationId, since, until, ...same } = query;
    if (same.limit === 0) return;
    const body = await this.#place.lines('/log', {
      ...same,
      correlation_id: correlationId,
      since: since === undefined ? undefined : timeText(since),
      until: until === undefined ? undefined : timeText(until),
      commits: commits ? true : undefined,
    });
    for await (const line of linesOf(body)) if (line !== '') yield line;
  }
}
