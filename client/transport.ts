/**
 * Requests and their answers over `fetch`: time limits, errors from the service's registry, and
 * repeats where repeating is safe. Nothing here needs Node.
 */
import { type ErrorCode, TidemarkError } from '../base/errors.ts';
import type { AnsweredMoment } from './wire.ts';

export interface ClientOptions {
  /** Where the service listens, such as `http://127.0.0.1:7654`. */
  readonly url: string;
  /** Sent with every request; needed where the service asks who calls. */
  readonly token?: string | undefined;
  /** For an answer to begin. Default: 30,000. */
  readonly timeoutMs?: number | undefined;
  /** How often a request is sent again that failed on its way. Default: 4. */
  readonly retries?: number | undefined;
  /** Default: the global one. */
  readonly fetch?: typeof fetch | undefined;
}

export interface Request {
  readonly method: string;
  /** With a leading slash, its parts escaped. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>> | undefined;
  /** Goes as JSON, but for bytes, which go as they are. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string | undefined>> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Whether a second time changes nothing more than the first. Default: for GET. */
  readonly isRepeatable?: boolean | undefined;
}

export interface Answer<T> {
  readonly body: T;
  readonly headers: Headers;
}

export const BYTES = 'application/octet-stream';

const TIMEOUT_MS = 30_000;
const RETRIES = 4;
const FIRST_PAUSE_MS = 50;
const PAUSE_MS_MAX = 2000;
/** The service, or a proxy before it, has no room or is just starting. */
const TRANSIENT = [429, 502, 503, 504];

export class Transport {
  readonly #options: ClientOptions;
  readonly #fetch: typeof fetch;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
  }

  /** @throws what the service answers, SERVICE_UNREACHABLE, CANCELLED */
  async json<T>(request: Request): Promise<Answer<T>> {
    const response = await this.send(request);
    const text = response.status === 204 ? '' : await this.#read(request, () => response.text());
    return { body: (text === '' ? undefined : parsed(text)) as T, headers: response.headers };
  }

  /** An answer whose body is read as it comes. @throws as `json` */
  async send(request: Request): Promise<Response> {
    const { method, isRepeatable = method === 'GET' } = request;
    const retries = isRepeatable ? (this.#options.retries ?? RETRIES) : 0;
    for (let attempt = 0; ; attempt++) {
      const isLast = attempt >= retries;
      try {
        const response = await this.#sendOnce(request);
        if (response.ok || response.status === 304) return response;
        if (isLast || !TRANSIENT.includes(response.status)) throw await problemOf(response);
        await response.body?.cancel();
        await pause(pauseOf(response, attempt), request.signal);
      } catch (error) {
        if (request.signal?.aborted === true) throw cancelled(error);
        if (error instanceof TidemarkError) throw error;
        if (isLast) throw unreachable(this.#options.url, error);
        await pause(pauseOf(undefined, attempt), request.signal);
      }
    }
  }

  async #sendOnce(request: Request): Promise<Response> {
    const { method, path, query = {}, body, headers = {}, signal } = request;
    const { url, token, timeoutMs = TIMEOUT_MS } = this.#options;
    const address = new URL(url.replace(/\/+$/, '') + path);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) address.searchParams.set(name, String(value));
    }
    const sent = new Headers();
    if (token !== undefined) sent.set('authorization', `Bearer ${token}`);
    const content = contentOf(body);
    if (content !== undefined) sent.set('content-type', content.type);
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) sent.set(name, value);
    }
    // For the answer to begin; a body may take as long as it is read.
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), timeoutMs);
    try {
      return await this.#fetch(address, {
        method,
        headers: sent,
        signal: signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]),
        ...(content === undefined ? {} : { body: content.bytes }),
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Reading a body fails like sending does. */
  async #read<T>({ signal }: Request, read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      throw signal?.aborted === true ? cancelled(error) : unreachable(this.#options.url, error);
    }
  }
}

function contentOf(body: unknown): { type: string; bytes: string | Uint8Array } | undefined {
  if (body === undefined) return undefined;
  if (body instanceof Uint8Array) return { type: BYTES, bytes: body };
  return { type: 'application/json', bytes: JSON.stringify(body) };
}

export function momentOf(headers: Headers): AnsweredMoment {
  return {
    position: Number(headers.get('tidemark-position') ?? 0),
    time: headers.get('tidemark-time') ?? '',
    provisional: headers.get('tidemark-provisional') === 'true',
  };
}

/** Waits longer each time, and never as long as another: many clients must not come back at once. */
export async function pause(millis: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const over = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', over);
      resolve();
    };
    const timer = setTimeout(over, millis);
    signal?.addEventListener('abort', over);
  });
  if (signal?.aborted === true) throw cancelled(signal.reason);
}

export function pauseOf(response: Response | undefined, attempt: number): number {
  const asked = Number(response?.headers.get('retry-after') ?? Number.NaN) * 1000;
  if (asked > 0) return Math.min(asked, PAUSE_MS_MAX);
  return Math.min(FIRST_PAUSE_MS * 2 ** attempt, PAUSE_MS_MAX) * (0.5 + Math.random() / 2);
}

/** The problem document of an answer as the error it stands for. */
async function problemOf(response: Response): Promise<TidemarkError> {
  const problem = parsed(await response.text().catch(() => ''));
  const { code, detail, data, requestId } = (problem ?? {}) as Readonly<Record<string, unknown>>;
  const facts = {
    ...(typeof data === 'object' && data !== null ? data : {}),
    status: response.status,
    ...(typeof requestId === 'string' ? { requestId } : {}),
  };
  return new TidemarkError(
    typeof code === 'string' ? (code as ErrorCode) : 'SERVICE_UNREACHABLE',
    typeof detail === 'string' ? detail : `the service answered ${response.status}`,
    facts,
  );
}

function unreachable(url: string, cause: unknown): TidemarkError {
  const why = cause instanceof Error ? `: ${cause.message}` : '';
  return new TidemarkError(
    'SERVICE_UNREACHABLE',
    `no answer from ${url}${why}; the request may have been carried out`,
    { url },
    cause,
  );
}

function cancelled(cause: unknown): TidemarkError {
  return new TidemarkError('CANCELLED', 'the request was cancelled', {}, cause);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
