import { dirname } from 'node:path';
import { fastify } from 'fastify';
import { loadConfiguration, startService } from '../../server/index.ts';

/** Something that listens in this process. */
export interface Listening {
  readonly url: string;
  close(): Promise<void>;
}

export const EMPTY_ROUTE = '/empty';

/** Default settings but one: a line in the log for every request is left out on both sides. */
export function listenAsService(directory: string): Promise<Listening> {
  const flags = { port: '0', log_level: 'warn', data_dir: dirname(directory) };
  return startService({ configuration: loadConfiguration({ flags, directory }) });
}

export async function listenAsEmptyRoute(): Promise<Listening> {
  const app = fastify({ forceCloseConnections: true });
  app.get(EMPTY_ROUTE, (_request, reply) => reply.send(''));
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return { url, close: () => app.close() };
}
