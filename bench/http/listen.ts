import { dirname } from 'node:path';
import { fastify } from 'fastify';
import { loadConfiguration, startService } from '../../server/index.ts';

/** Something that listens in this process. */
export interface Listening {
  readonly url: string;
  close(): Promise<void>;
}

export const EMPTY_ROUTE = '/empty';
/** Gives the text that it was told by a request to it: what an answer of that size takes. */
export const TEXT_ROUTE = '/text';

/** Default settings but one: a line in the log for every request is left out on both sides. */
export function listenAsService(directory: string): Promise<Listening> {
  const flags = { port: '0', log_level: 'warn', data_dir: dirname(directory) };
  return startService({ configuration: loadConfiguration({ flags, directory }) });
}

export async function listenAsEmptyRoute(): Promise<Listening> {
  const app = fastify({ forceCloseConnections: true });
  let told: unknown = '';
  app.get(EMPTY_ROUTE, (_request, reply) => reply.send(''));
  app.get(TEXT_ROUTE, (_request, reply) => reply.type('application/json').send(told));
  app.post(TEXT_ROUTE, (request, reply) => {
    told = JSON.stringify(request.body);
    reply.code(201).send('');
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return { url, close: () => app.close() };
}
