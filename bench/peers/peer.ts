/**
 * A store that is measured: a table of orders with its full history, durable at every commit. A
 * peer does each job as well as its users know how, through its public interface.
 *
 * Lists and visitors, so that a synchronous peer pays no promise a row and an asynchronous one can
 * pipeline. Rows are handed over as objects, one at a time, and must be whole. What a peer leaves
 * out is not asked of it.
 */
import type { Order, OrderChange } from '../orders.ts';

export type MaybePromise<T> = T | Promise<T>;

/** When a commit was made, as the peer stamped it: microseconds UTC. */
export type Moment = number;

/** A row as the peer gives it. */
export type Row = Readonly<Record<string, unknown>>;

export type Visit = (row: Row | undefined, index: number) => void;

/** One or more whole lines, each with its line feed. */
export type VisitLines = (lines: string | Uint8Array) => void;

export type VisitDifference = (before: Row | undefined, after: Row | undefined) => void;

export interface PastQuestion {
  readonly id: number;
  readonly moment: Moment;
}

/** Which orders are wanted: all that is given must hold. Each is asked of the index that suits it. */
export interface FindQuestion {
  readonly city?: string;
  readonly placed?: string;
  readonly status?: string;
  readonly amountFrom?: number;
  /** Exclusive. */
  readonly amountTo?: number;
  /** The first so many: in order of their amounts where these are asked for, else of their ids. */
  readonly limit?: number;
}

export interface PeerStore {
  /** Makes the first so many indexes of: city and placed, amount, city, status; over the history, too. */
  addIndexes?(count: number): MaybePromise<void>;
  find?(question: FindQuestion, moment: Moment | undefined, visit: Visit): MaybePromise<void>;
  /** One commit; done when it is durable. */
  insert(orders: readonly Order[]): MaybePromise<Moment>;
  /** One commit of changes to single rows, in order. */
  update(changes: readonly OrderChange[]): MaybePromise<Moment>;
  read(ids: readonly number[], visit: Visit): MaybePromise<void>;
  /** Each question on its own: moments need not be those of commits, and are seldom equal. */
  readAsOf(questions: readonly PastQuestion[], visit: Visit): MaybePromise<void>;
  /** All rows in order of their ids. */
  scan(visit: Visit): MaybePromise<void>;
  scanAsOf(moment: Moment, visit: Visit): MaybePromise<void>;
  /** The rows of `scan`, or of `scanAsOf` where a moment is given, as JSON lines ready to be sent. */
  scanLines?(moment: Moment | undefined, visit: VisitLines): MaybePromise<void>;
  /** Rows that differ between two moments, each once, with the row before and after. */
  diff?(from: Moment, to: Moment, visit: VisitDifference): MaybePromise<void>;
  /** The newest changes, newest first, with who made them and the row after each. */
  tail?(count: number, visit: Visit): MaybePromise<void>;
  /** All versions of a row, oldest first. */
  history(id: number, visit: Visit): MaybePromise<void>;
  /** What an operator would do before looking at the size on disk. */
  compact(): MaybePromise<void>;
  /** Bytes on disk by part, where the peer can tell. */
  parts(): Readonly<Record<string, number>>;
  close(): MaybePromise<void>;
}

export interface Peer {
  readonly name: string;
  /** The largest history it is asked to keep, where more would take too long. */
  readonly eventsMax?: number;
  /** Whether it runs in a process of its own: then opening, disk and memory are not compared. */
  readonly isServer: boolean;
  /** How it is set up, for the report. */
  readonly setup: string;
  /** Opens the store in a directory, or makes it. */
  open(directory: string): Promise<PeerStore>;
}
