import { assert } from '../../base/index.ts';
import { type Host, openStream, residentMib, residentMibMax } from '../http/index.ts';
import type { Row } from '../peers/index.ts';
import { repeated } from '../stopwatch.ts';
import { insertAll, ordersInCommits } from './bulk-insert.ts';
import { expectRow, type ServiceScene, type ServiceWorkload, storeDirectory } from './workload.ts';

const COMMIT_EVENTS = 1000;
const COMMITS_UNDER_WAY = 4;
const LINE_FEED = 0x0a;

/** The whole table as JSON lines, from a service that has read nothing before. */
export const httpLines: ServiceWorkload = {
  name: 'http-lines',
  kind: 'service',
  needs: 'nothing',
  eventsMax: 1_000_000,
  async run(scene) {
    const store = await scene.peer.open(storeDirectory(scene));
    await insertAll(store, ordersInCommits(scene.events, COMMIT_EVENTS), COMMITS_UNDER_WAY);
    await store.close();
    const service = await scene.hosts.service(storeDirectory(scene));
    const figures = await bothShapes(scene, service);
    await service.stop();
    return figures;
  },
};

async function bothShapes(scene: ServiceScene, { port, pid }: Host) {
  // One row first: that opens the store.
  const one = await openStream(port, '/tables/orders/rows?limit=1', ACCEPT_LINES);
  for await (const _ of one.resume());
  const before = residentMib(pid);
  let rows = 0;
  let entries = 0;
  const most = await residentMibMax(pid, async () => {
    rows = await linesPerSecond(scene, port, 'row');
    entries = await linesPerSecond(scene, port, 'entry');
  });
  const name = 'over HTTP: memory of the service that sends lines';
  return [
    { name: 'over HTTP: scan as JSON lines', unit: 'rows/s', value: rows } as const,
    { name: 'over HTTP: scan with key and version', unit: 'rows/s', value: entries } as const,
    { name: `${name}, before`, unit: 'MiB', value: before } as const,
    { name: `${name}, at its peak`, unit: 'MiB', value: most } as const,
    { name: `${name}, after`, unit: 'MiB', value: residentMib(pid) } as const,
  ];
}

const ACCEPT_LINES = { accept: 'application/x-ndjson' };

/** The first time every line is read and compared; then what comes must be as many bytes and lines. */
async function linesPerSecond({ events, millis }: ServiceScene, port: number, shape: string) {
  const path = `/tables/orders/rows?shape=${shape}`;
  let rows = 0;
  let length = 0;
  let cut = '';
  for await (const chunk of await openStream(port, path, ACCEPT_LINES)) {
    length += chunk.length;
    const lines = (cut + chunk.toString('latin1')).split('\n');
    cut = lines.pop()!;
    for (const line of lines) {
      rows++;
      const parsed = JSON.parse(line);
      const row: Row = shape === 'row' ? parsed : parsed.row;
      expectRow(row, rows, 1);
    }
  }
  assert(cut === '' && rows === events, 'all rows are there, in whole lines');
  const taken = await repeated({ millis, atLeast: 2 }, async () => {
    let again = 0;
    let last = 0;
    for await (const chunk of await openStream(port, path, ACCEPT_LINES)) {
      again += chunk.length;
      last = chunk[chunk.length - 1];
    }
    assert(again === length && last === LINE_FEED, 'the same lines again');
  });
  return (rows * taken.runs) / taken.seconds;
}
