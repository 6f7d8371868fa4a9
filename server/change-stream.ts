/**
 * Commits as server-sent events (the WHATWG HTML standard, 9.2). An event is one commit: its id is
 * the history and the position to resume behind, its data the commit as JSON.
 *
 * No more than what the caller takes is read: one commit at a time waits for a slow one, and the
 * log, not memory, holds the rest. A comment goes out while nothing else does, so that both ends
 * know the other is there.
 */
import { Readable } from 'node:stream';
import type { LoggedCommit } from '../database/index.ts';
import type { Follower, Followers } from './followers.ts';

const HEARTBEAT_MS = 15_000;
/** What a caller waits before it connects again. */
const RETRY_MS = 1000;

export interface ChangeSource {
  readonly commits: AsyncGenerator<LoggedCommit>;
  readonly generation: number;
  /** Commits without an event that passes are not sent. */
  readonly passes: (commit: LoggedCommit) => boolean;
}

export class ChangeStream extends Readable {
  readonly #source: ChangeSource;
  readonly #follower: Follower;
  readonly #followers: Followers;
  readonly #heartbeat: NodeJS.Timeout;
  #isReading = false;

  constructor(source: ChangeSource, follower: Follower, followers: Followers) {
    super();
    this.#source = source;
    this.#follower = follower;
    this.#followers = followers;
    this.#heartbeat = setInterval(() => {
      // Not into a full buffer: who does not read needs no sign of life.
      if (this.readableLength === 0) this.push(': \n\n');
    }, HEARTBEAT_MS);
    this.push(`retry: ${RETRY_MS}\n\n`);
  }

  override _read(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    this.#next().then(
      (event) => {
        this.#isReading = false;
        if (!this.destroyed) this.push(event ?? null);
      },
      (error: unknown) => this.destroy(error instanceof Error ? error : undefined),
    );
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearInterval(this.#heartbeat);
    this.#followers.remove(this.#follower);
    done(error);
  }

  /** Undefined at the end, which is the service's. */
  async #next(): Promise<string | undefined> {
    const { commits, generation, passes } = this.#source;
    for (;;) {
      const { done, value: commit } = await commits.next();
      if (done === true) return undefined;
      this.#follower.position = commit.position;
      if (!passes(commit)) continue;
      const id = eventId(generation, commit.position);
      return `id: ${id}\nevent: commit\ndata: ${JSON.stringify(commit)}\n\n`;
    }
  }
}

/** The history and the last position that was seen of it. */
export function eventId(generation: number, position: number): string {
  return `${generation}-${position}`;
}

/** Undefined if it is none that this service gave. */
export function readEventId(text: string): { generation: number; position: number } | undefined {
  const [, generation, position] = /^(\d{1,16})-(\d{1,16})$/.exec(text) ?? [];
  if (generation === undefined || position === undefined) return undefined;
  return { generation: Number(generation), position: Number(position) };
}
