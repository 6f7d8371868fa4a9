/** Services on sockets of their own, closed when the test file is done. */
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { loadConfiguration, type Service, startService } from '../../../server/index.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const running: Service[] = [];

afterAll(async () => {
  for (const service of running) await service.close();
});

export type Flags = Readonly<Record<string, string>>;

export class RunningService {
  readonly url: string;
  readonly dataDirectory: string;
  readonly #service: Service;

  constructor(service: Service, dataDirectory: string) {
    this.#service = service;
    this.url = service.url;
    this.dataDirectory = dataDirectory;
  }

  /** A body that is no string or buffer goes as JSON. */
  send(method: string, path: string, body?: unknown, headers: Flags = {}): Promise<Response> {
    const isJson = body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body);
    const json = isJson ? { 'content-type': 'application/json' } : {};
    const bytes = isJson ? JSON.stringify(body) : body;
    return fetch(this.url + path, {
      method,
      headers: { ...json, ...headers },
      ...(bytes === undefined ? {} : { body: bytes as string }),
    });
  }

  get(path: string, headers: Flags = {}): Promise<Response> {
    return this.send('GET', path, undefined, headers);
  }

  /** The JSON of an answer that is not an error. */
  async json(method: string, path: string, body?: unknown, headers: Flags = {}): Promise<unknown> {
    const answer = await this.send(method, path, body, headers);
    const text = await answer.text();
    expect(answer.ok, `${method} ${path}: ${text}`).toBe(true);
    return JSON.parse(text);
  }

  /** The problem a request is answered with. */
  async problem(method: string, path: string, body?: unknown, headers: Flags = {}) {
    const answer = await this.send(method, path, body, headers);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    const problem = (await answer.json()) as Record<string, unknown>;
    expect(problem.status).toBe(answer.status);
    return problem;
  }

  close(): Promise<void> {
    return this.#service.close();
  }
}

export interface StartOptions {
  readonly flags?: Flags;
  readonly dataDirectory?: string;
  readonly file?: string;
}

/** On a directory of its own, unless one is named. */
export async function startOne(options: StartOptions = {}): Promise<RunningService> {
  const { dataDirectory = join(temporaryDirectory(), 'data'), file } = options;
  const flags = { port: '0', data_dir: dataDirectory, ...options.flags };
  const service = await startService({ configuration: loadConfiguration({ file, flags }) });
  running.push(service);
  return new RunningService(service, dataDirectory);
}
