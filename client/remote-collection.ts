import { TidemarkError } from '../base/errors.ts';
import { type FindPage, type FindQuery, found } from './find.ts';
import type { Place } from './place.ts';
import type { ReadRow } from './remote-table.ts';
import { momentOf } from './transport.ts';
import type { ChangeOutcome, ChangesOutcome, Row, RowVersion } from './wire.ts';
import { type ChangeOptions, matching, type WriteOptions, writeHeaders } from './write-options.ts';

/** Documents of the past, under their `_id`. */
export class RemotePastCollection {
  readonly name: string;
  protected readonly place: Place;

  constructor(name: string, place: Place) {
    this.name = name;
    this.place = place;
  }

  /** Undefined if there is no such document. */
  async get(id: string): Promise<Row | undefined> {
    return (await this.read(id))?.row;
  }

  async read(id: string): Promise<ReadRow | undefined> {
    try {
      const { body, headers } = await this.place.get<Row>(this.idPath(id));
      const version = Number(/\d+/.exec(headers.get('etag') ?? '')?.[0] ?? 0);
      return { row: body, version, asOf: momentOf(headers) };
    } catch (error) {
      if (error instanceof TidemarkError && error.code === 'ROW_NOT_FOUND') return undefined;
      throw error;
    }
  }

  async count(): Promise<number> {
    return (await this.place.get<{ documents: number }>(this.path())).body.documents;
  }

  /** One page. @throws INDEX_MISSING, QUERY_INVALID … */
  find(query: FindQuery = {}): Promise<FindPage> {
    return found(this.place, `${this.path()}/find`, query);
  }

  /** Every version of a document, oldest first, deletions included. */
  async history(id: string): Promise<readonly RowVersion[]> {
    const path = `${this.idPath(id)}/history`;
    return (await this.place.get<{ versions: RowVersion[] }>(path)).body.versions;
  }

  protected path(): string {
    return `/collections/${encodeURIComponent(this.name)}`;
  }

  protected idPath(id: string): string {
    return `${this.path()}/${encodeURIComponent(id)}`;
  }
}

/** Documents of now. Changes resolve when they are durable. */
export class RemoteCollection extends RemotePastCollection {
  /** Under its `_id`, or an id that it is given. @throws ROW_EXISTS … */
  insert(document: Row, options: WriteOptions = {}): Promise<ChangeOutcome> {
    return this.#write('POST', this.path(), document, options);
  }

  /** All or none, as one commit. */
  insertMany(documents: readonly Row[], options: WriteOptions = {}): Promise<ChangesOutcome> {
    return this.#write('POST', `${this.path()}/batch`, { documents }, options);
  }

  /** Puts a document under an id, whether there is one or not. */
  put(id: string, document: Row, options: ChangeOptions = {}): Promise<ChangeOutcome> {
    return this.#write('PUT', this.idPath(id), document, options, matching(options));
  }

  /** Merges a patch into the document (RFC 7396): null takes a member away. @throws ROW_NOT_FOUND … */
  update(id: string, patch: Row, options: ChangeOptions = {}): Promise<ChangeOutcome> {
    return this.#write('PATCH', this.idPath(id), patch, options, matching(options));
  }

  /** @throws ROW_NOT_FOUND, VERSION_CONFLICT */
  delete(id: string, options: ChangeOptions = {}): Promise<ChangeOutcome> {
    return this.#write('DELETE', this.idPath(id), undefined, options, matching(options));
  }

  #write<T>(
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
