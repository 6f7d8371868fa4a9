import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { eventsOf, type ServerEvent } from './support/events.ts';
import { startOne } from './support/running-service.ts';

interface Commit {
  readonly position: number;
  readonly firstPosition: number;
  readonly events: readonly { readonly key: unknown; readonly table: string }[];
}

async function first(events: AsyncGenerator<ServerEvent>, count: number) {
  const found: ServerEvent[] = [];
  while (found.length < count) {
    const { done, value } = await events.next();
    if (done === true) break;
    found.push(value);
  }
  await events.return(undefined);
  return found;
}

function keysOf(events: readonly ServerEvent[]): unknown[] {
  return events.flatMap(({ data }) => (data as Commit).events.map(({ key }) => key));
}

describe('following changes', () => {
  it('gives what was and what comes, in order, and resumes behind the last event', async () => {
    const service = await startOne();
    await service.json('POST', '/tables', { name: 't', primaryKey: 'id' });
    const insert = (id: string) => service.json('POST', '/tables/t/rows', { id });
    await insert('a');
    await insert('b');
    const answer = await service.get('/changes?from=2');
    expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const events = eventsOf(answer);
    const early = first(events, 4);
    await insert('c');
    await insert('d');
    const seen = await early;
    expect(keysOf(seen)).toEqual(['a', 'b', 'c', 'd']);
    const resumed = eventsOf(await service.get('/changes', { 'last-event-id': seen[1]!.id }));
    await insert('e');
    expect(keysOf(await first(resumed, 3))).toEqual(['c', 'd', 'e']);
  });

  it('gives only commits that change a table, if asked, and what comes from now on by itself', async () => {
    const service = await startOne();
    for (const name of ['t', 'u']) {
      await service.json('POST', '/tables', { name, primaryKey: 'id' });
      await service.json('POST', `/tables/${name}/rows`, { id: 'early' });
    }
    const events = eventsOf(await service.get('/changes?table=u'));
    const found = first(events, 1);
    await service.json('POST', '/tables/t/rows', { id: 'x' });
    await service.json('POST', '/tables/u/rows', { id: 'y' });
    expect(keysOf(await found)).toEqual(['y']);
  });

  it('refuses what it cannot follow', async () => {
    const service = await startOne();
    await service.json('POST', '/tables', { name: 't' });
    const refused = (path: string, id?: string) =>
      service.problem('GET', path, undefined, id === undefined ? {} : { 'last-event-id': id });
    expect(await refused('/changes?from=99')).toMatchObject({ code: 'POSITION_AHEAD' });
    expect(await refused('/changes?table=none')).toMatchObject({ code: 'TABLE_UNKNOWN' });
    expect(await refused('/changes', 'nonsense')).toMatchObject({ code: 'ARGUMENT_INVALID' });
    expect(await refused('/changes', '12345-1')).toMatchObject({ code: 'HISTORY_CHANGED' });
    expect(await refused('/changes?from=-1')).toMatchObject({ status: 400 });
  });

  it('ends those who follow when the service ends, and lets go of those who leave', async () => {
    const service = await startOne();
    await service.json('POST', '/tables', { name: 't', primaryKey: 'id' });
    const answers = await Promise.all(Array.from({ length: 50 }, () => service.get('/changes')));
    for (const answer of answers.slice(0, 25)) await answer.body?.cancel();
    const rest = answers.slice(25).map((answer) => first(eventsOf(answer), 2));
    await service.json('POST', '/tables/t/rows', { id: 'a' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await service.close();
    for (const seen of await Promise.all(rest)) expect(keysOf(seen)).toEqual(['a']);
  });

  it('does not wait at its end for a connection that never asked anything', async () => {
    const service = await startOne();
    const { port } = new URL(service.url);
    const socket = connect(Number(port), '127.0.0.1');
    const ended = new Promise((resolve) => socket.once('close', resolve));
    await new Promise((resolve) => socket.once('connect', resolve));
    // Until the service has it too.
    await service.json('GET', '/health/live');
    await service.close();
    await ended;
  });
});
