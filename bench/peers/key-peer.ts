/**
 * A key/value engine that is measured: ordered keys, durable at every batch. Keys are short text
 * without zero bytes, values are bytes; a peer takes both as its users would.
 */
import type { MaybePromise } from './peer.ts';

export interface KeyEntry {
  readonly key: string;
  readonly value: Buffer;
}

export type VisitEntry = (key: string, value: Uint8Array) => void;

export interface KeyStore {
  /** One batch; done when it is durable. */
  put(entries: readonly KeyEntry[]): MaybePromise<void>;
  /** Each key on its own. */
  get(
    keys: readonly string[],
    visit: (value: Uint8Array | undefined, index: number) => void,
  ): MaybePromise<void>;
  /** All entries in order of their keys. */
  scan(visit: VisitEntry): MaybePromise<void>;
  close(): MaybePromise<void>;
}

export interface KeyPeer {
  readonly name: string;
  /** How it is set up, for the report. */
  readonly setup: string;
  open(directory: string): Promise<KeyStore>;
}
