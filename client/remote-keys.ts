import { TidemarkError } from '../base/errors.ts';
import { linesOf } from './lines.ts';
import type { Place } from './place.ts';
import { BYTES, momentOf } from './transport.ts';
import type {
  AnsweredMoment,
  ChangeOutcome,
  ChangesOutcome,
  JsonValue,
  Operation,
} from './wire.ts';
import { type ChangeOptions, matching, type WriteOptions, writeHeaders } from './write-options.ts';

/** JSON, or bytes where the instance has the codec `raw`. */
export type KeyValue = JsonValue | Uint8Array;

export interface KeyRange {
  readonly prefix?: string | undefined;
  /** Inclusive. */
  readonly from?: string | undefined;
  /** Exclusive. */
  readonly to?: string | undefined;
  readonly reverse?: boolean | undefined;
  readonly limit?: number | undefined;
}

export interface KeyEntry {
  readonly key: string;
  /** Bytes as `{ "$base64": … }`. */
  readonly value: JsonValue;
  readonly version: number;
  readonly position: number;
  readonly time: string;
}

export interface KeyVersion {
  readonly version: number;
  readonly op: Operation;
  readonly position: number;
  readonly time: string;
  /** Absent after a delete. */
  readonly value?: JsonValue;
  readonly actor?: string;
  readonly reason?: string;
}

export interface ReadValue {
  readonly value: KeyValue;
  readonly version: number;
  readonly asOf: AnsweredMoment;
}

/** The key space of the past: everything that reads, at one moment. */
export class RemotePastKeys {
  protected readonly place: Place;

  constructor(place: Place) {
    this.place = place;
  }

  /** Undefined if there is nothing under the key. */
  async get(key: string): Promise<KeyValue | undefined> {
    return (await this.read(key))?.value;
  }

  /** As `get`, with its version and the moment. */
  async read(key: string): Promise<ReadValue | undefined> {
    try {
      const response = await this.place.open(keyPath(key));
      const version = Number(/\d+/.exec(response.headers.get('etag') ?? '')?.[0] ?? 0);
      const isBytes = response.headers.get('content-type')?.startsWith(BYTES) === true;
      const value: KeyValue = isBytes
        ? new Uint8Array(await response.arrayBuffer())
        : ((await response.json()) as JsonValue);
      return { value, version, asOf: momentOf(response.headers) };
    } catch (error) {
      if (error instanceof TidemarkError && error.code === 'KEY_NOT_FOUND') return undefined;
      throw error;
    }
  }

  async has(key: string): Promise<boolean> {
    return (await this.read(key)) !== undefined;
  }

  /** Entries in key order, as of one moment, streamed. */
  async *scan(range: KeyRange = {}): AsyncGenerator<KeyEntry> {
    if (range.limit === 0) return;
    const body = await this.place.lines('/scan', { ...range });
    for await (const line of linesOf(body)) if (line !== '') yield JSON.parse(line) as KeyEntry;
  }

  /** Entries whose key begins with `prefix` and contains `q`. */
  async search(query: {
    readonly q?: string | undefined;
    readonly prefix?: string | undefined;
    readonly limit?: number | undefined;
  }): Promise<readonly KeyEntry[]> {
    return (await this.place.get<{ entries: KeyEntry[] }>('/keys/search', query)).body.entries;
  }

  /** Every version of what lay under a key, oldest first, deletions included. */
  async history(
    key: string,
    options: { readonly limit?: number | undefined; readonly reverse?: boolean | undefined } = {},
  ): Promise<readonly KeyVersion[]> {
    const path = `${keyPath(key)}/history`;
    return (await this.place.get<{ versions: KeyVersion[] }>(path, options)).body.versions;
  }
}

/** The key space of now. Changes resolve when they are durable. */
export class RemoteKeys extends RemotePastKeys {
  /** @throws VALUE_INVALID for a value that is not of the codec, VERSION_CONFLICT */
  set(key: string, value: KeyValue, options: ChangeOptions = {}): Promise<ChangeOutcome> {
    return this.#change('PUT', keyPath(key), value, options, matching(options));
  }

  /** @throws KEY_NOT_FOUND, VERSION_CONFLICT */
  delete(key: string, options: ChangeOptions = {}): Promise<ChangeOutcome> {
    return this.#change('DELETE', keyPath(key), undefined, options, matching(options));
  }

  /** All or none, as one commit. */
  setMany(
    entries: readonly { readonly key: string; readonly value: JsonValue }[],
    options: WriteOptions = {},
  ): Promise<ChangesOutcome> {
    return this.#change('POST', '/keys/batch', { entries }, options);
  }

  /** All or none, as one commit; those that are not there change nothing. */
  deleteMany(keys: readonly string[], options: WriteOptions = {}): Promise<ChangesOutcome> {
    return this.#change('DELETE', '/keys/batch', { keys }, options);
  }

  #change<T>(
    method: string,
    path: string,
    body: unknown,
    options: WriteOptions,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<T> {
    const sent = { ...writeHeaders(options), ...headers };
    return this.place.write<T>(method, path, body, sent, options.signal);
  }
}

function keyPath(key: string): string {
  return `/keys/${encodeURIComponent(key)}`;
}
