import { expect, it } from 'vitest';
import { OrderHistory, VERSIONS } from '../../bench/order-history.ts';
import { changeTo, orderAt } from '../../bench/orders.ts';

it('says of every row and every event what a replay of its own commits gives', () => {
  const history = new OrderHistory(70, 5);
  const versions = new Map<number, number>();
  const events = [
    ...[...history.inserts(3)].flat().map((order) => ({ order, change: undefined })),
    ...[...history.changes(4)].flat().map((change) => ({ order: undefined, change })),
  ];
  expect(events).toHaveLength(70);
  for (let count = 0; count <= events.length; count++) {
    for (let id = 1; id <= history.rows; id++) {
      expect(history.versionAfter(id, count)).toBe(versions.get(id) ?? 0);
    }
    expect(history.rowsAfter(count)).toBe(versions.size);
    const event = events[count];
    if (event === undefined) break;
    const { id } = event.order ?? event.change;
    const version = (versions.get(id) ?? 0) + 1;
    versions.set(id, version);
    if (event.order === undefined) expect(event.change).toEqual(changeTo(id, version));
    else expect(event.order).toEqual(orderAt(id, 1));
  }
  expect([...versions.values()]).toEqual(Array(history.rows).fill(VERSIONS));
});
