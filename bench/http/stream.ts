import { get, type IncomingMessage } from 'node:http';
import { assert } from '../../base/index.ts';

/** An answer as it comes in, on a connection of its own; whoever has enough of it destroys it. */
export async function openStream(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<IncomingMessage> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, headers, agent: false }, resolve).once('error', reject);
  });
  assert(answer.statusCode === 200, `${path} was answered with ${answer.statusCode}`);
  return answer;
}
