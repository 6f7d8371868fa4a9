/** An instance as requests address it, now or at a moment. */
import type { Answer, Request, Transport } from './transport.ts';
import type { MomentInput } from './wire.ts';

type Query = NonNullable<Request['query']>;

export class Place {
  readonly transport: Transport;
  readonly prefix: string;
  readonly #moment: Query;

  /** @param prefix `/db/<name>`, or empty for the default instance */
  constructor(transport: Transport, prefix: string, moment?: MomentInput) {
    this.transport = transport;
    this.prefix = prefix;
    this.#moment = moment === undefined ? {} : momentQuery(moment);
  }

  at(moment: MomentInput): Place {
    return new Place(this.transport, this.prefix, moment);
  }

  get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<Answer<T>> {
    return this.transport.json<T>({
      method: 'GET',
      path: this.prefix + path,
      query: { ...query, ...this.#moment },
      signal,
    });
  }

  /** A query that goes as a body: it reads, and can be sent again. */
  async ask<T>(path: string, body: unknown, query: Query = {}): Promise<T> {
    const request = { method: 'POST', path: this.prefix + path, body, isRepeatable: true };
    const asked = { ...query, ...this.#moment };
    return (await this.transport.json<T>({ ...request, query: asked })).body;
  }

  /** An answer whose body is still to be read. */
  open(path: string, query: Query = {}): Promise<Response> {
    const asked = { ...query, ...this.#moment };
    return this.transport.send({ method: 'GET', path: this.prefix + path, query: asked });
  }

  /** The body of an answer in lines of JSON. */
  async lines(path: string, query: Query): Promise<ReadableStream<Uint8Array> | null> {
    const response = await this.transport.send({
      method: 'GET',
      path: this.prefix + path,
      query: { ...query, ...this.#moment },
      headers: { accept: 'application/x-ndjson' },
    });
    return response.body;
  }

  /** A job of the service, which is of no instance. */
  async job<T>(id: string, signal?: AbortSignal): Promise<T> {
    const path = `/jobs/${encodeURIComponent(id)}`;
    return (await this.transport.json<T>({ method: 'GET', path, signal })).body;
  }

  /** Sent again if it fails on its way: its idempotency key makes it happen once. */
  async write<T>(
    method: string,
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string | undefined>>,
    signal?: AbortSignal,
  ): Promise<T> {
    const isRepeatable = headers['idempotency-key'] !== undefined;
    const request = { method, path: this.prefix + path, body, headers, signal, isRepeatable };
    return (await this.transport.json<T>(request)).body;
  }
}

export function momentQuery(moment: MomentInput): Query {
  if (typeof moment === 'object' && 'position' in moment) return { at_position: moment.position };
  return { as_of: timeText(moment) };
}

export function timeText(time: string | number | Date): string {
  return time instanceof Date ? time.toISOString() : String(time);
}
