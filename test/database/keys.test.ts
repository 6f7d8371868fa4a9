import { describe, expect, it } from 'vitest';
import { isTidemarkError } from '../../base/index.ts';
import { bytesOfKey, Codec, keyOfBytes } from '../../database/index.ts';
import { databases, KINDS } from '../support/databases.ts';

const all = databases();

async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (isTidemarkError(error)) return error.code;
    throw error;
  }
  return 'none';
}

describe.each(Object.entries(KINDS))('the key space of a database %s', (_, make) => {
  it('takes any JSON, and tells version, position and time', async () => {
    const database = await make(all);
    const outcome = await database.keys.set('a', null, { actor: 'ana' });
    // The declaration of the key space comes first, in the same commit.
    expect(outcome).toMatchObject({ key: 'a', version: 1, changed: true, position: 2, events: 2 });
    expect(await database.keys.set('a', ['x', 1])).toMatchObject({ version: 2, position: 3 });
    expect(await database.keys.set('a', ['x', 1])).toMatchObject({ version: 2, changed: false });
    expect(database.keys.get('a')).toEqual(['x', 1]);
    const { time } = database.log.head;
    expect(database.keys.read('a')).toEqual({
      key: 'a',
      value: ['x', 1],
      version: 2,
      position: 3,
      time,
    });
    expect(database.keys.get('b')).toBeUndefined();
    expect(database.keys.history('a')).toMatchObject([
      { version: 1, op: 'insert', value: null, actor: 'ana' },
      { version: 2, op: 'update', value: ['x', 1] },
    ]);
    const then = database.asOf({ position: 2 });
    expect(then.keys.get('a')).toBeNull();
    expect(then.keys.history('a')).toHaveLength(1);
    expect(database.tables()).toEqual([]);
  });

  it('counts versions over deletions, and a deletion of nothing changes nothing', async () => {
    const database = await make(all);
    expect(await database.keys.delete('a')).toMatchObject({
      version: 0,
      changed: false,
      events: 0,
    });
    await database.keys.set('a', 1, { expectedVersion: 0 });
    expect(await database.keys.delete('a')).toMatchObject({ version: 2, changed: true });
    expect(await database.keys.delete('a')).toMatchObject({ version: 2, changed: false });
    expect(await codeOf(() => database.keys.delete('a', { expectedVersion: 2 }))).toBe(
      'VERSION_CONFLICT',
    );
    expect(await database.keys.set('a', 1)).toMatchObject({ version: 3 });
    expect(await codeOf(() => database.keys.set('a', 2, { expectedVersion: 0 }))).toBe(
      'VERSION_CONFLICT',
    );
  });

  it('writes many in one commit, or none', async () => {
    const database = await make(all);
    const before = database.log.head.position;
    const bad = [
      { key: 'a', value: 1 },
      { key: 'b', value: 1, expectedVersion: 3 },
    ];
    expect(await codeOf(() => database.keys.setMany(bad))).toBe('VERSION_CONFLICT');
    expect(database.log.head.position).toBe(before);
    const outcome = await database.keys.setMany([
      { key: 'a', value: 1 },
      { key: 'b', value: 2 },
    ]);
    expect(outcome).toMatchObject({ keys: ['a', 'b'], versions: [1, 1] });
    expect(await database.keys.deleteMany(['a', 'x', 'b'])).toMatchObject({
      keys: ['a', 'x', 'b'],
      versions: [2, 0, 2],
      events: 2,
    });
    expect(database.keys.count()).toBe(0);
  });

  it('does the same once, however often it is asked with one idempotency key', async () => {
    const database = await make(all);
    const once = { idempotencyKey: 'i-1' };
    const first = await database.keys.set('a', 1, once);
    expect(await database.keys.set('a', 1, once)).toEqual({ ...first, replayed: true });
    expect(await codeOf(() => database.keys.set('b', 1, once))).toBe('IDEMPOTENCY_MISMATCH');
    expect(await codeOf(() => database.keys.delete('a', once))).toBe('IDEMPOTENCY_MISMATCH');
    const many = [
      { key: 'b', value: 2 },
      { key: 'c', value: 3 },
    ];
    const outcome = await database.keys.setMany(many, { idempotencyKey: 'i-2' });
    expect(await database.keys.setMany(many, { idempotencyKey: 'i-2' })).toEqual({
      ...outcome,
      replayed: true,
    });
  });

  it('is part of transactions, beside tables', async () => {
    const database = await make(all);
    await database.createTable('orders', { primaryKey: 'id' });
    await database.transact((tx) => {
      tx.table('orders').insert({ id: 'o1' });
      expect(tx.keys.set('last', 'o1')).toMatchObject({ version: 1, changed: true });
      expect(tx.keys.get('last')).toBe('o1');
      expect(tx.keys.delete('none')).toMatchObject({ changed: false });
      expect([...tx.keys.scan({ prefix: 'l' })]).toEqual([
        { key: 'last', value: 'o1', version: 1, position: undefined },
      ]);
    });
    expect(database.log.head.position).toBe(4);
    await codeOf(() =>
      database.transact((tx) => {
        tx.keys.set('last', 'o2');
        tx.table('orders').insert({ id: 'o1' });
      }),
    );
    expect(database.keys.get('last')).toBe('o1');
  });

  it('is part of transactions over time, which conflict over what they read', async () => {
    const database = await make(all);
    const [one, other] = [database.begin(), database.begin()];
    one.keys.set('n', 1);
    other.keys.set('n', 2);
    await one.commit();
    expect(await codeOf(() => other.commit())).toBe('TRANSACTION_CONFLICT');
    const [reader, blind] = [database.begin(), database.begin()];
    expect(reader.keys.get('n')).toBe(1);
    reader.keys.set('seen', true);
    blind.keys.set('unrelated', true);
    await database.keys.set('n', 3);
    expect(await codeOf(() => reader.commit())).toBe('TRANSACTION_CONFLICT');
    await blind.commit();
    expect([...database.keys.keys()]).toEqual(['n', 'unrelated']);
  });

  it('is in the log, in differences and in statistics like a table', async () => {
    const database = await make(all, { codec: 'raw' });
    await database.keys.set('a', Buffer.from('xyz'));
    const { position } = database.log.head;
    await database.keys.delete('a');
    const [first] = [...database.log.read({ table: '$keys', key: 'a' })];
    expect(first).toMatchObject({
      table: '$keys',
      key: 'a',
      op: 'insert',
      row: { value: { $base64: 'eHl6' } },
    });
    expect(database.diff({ position }, { position: position + 1 })).toMatchObject([
      { table: '$keys', key: 'a', op: 'delete', before: { value: { $base64: 'eHl6' } } },
    ]);
    expect(database.stats().tables).toMatchObject([{ name: '$keys', rows: 0, events: 2 }]);
  });
});

describe('a raw database', () => {
  it('has bytes as keys and as values; what it gives is a copy', async () => {
    const database = await all.memory({ codec: 'raw' });
    const key = Buffer.from([0x61, 0xff, 0x00]);
    await database.keys.set(key, Buffer.from([0, 255]));
    await database.keys.set('text', Buffer.alloc(0));
    const value = database.keys.get(key);
    expect(value).toEqual(Buffer.from([0, 255]));
    if (value instanceof Uint8Array) value.fill(7);
    expect(database.keys.get(key)).toEqual(Buffer.from([0, 255]));
    expect(database.keys.get('text')).toEqual(Buffer.alloc(0));
    const [first] = database.keys.keys();
    expect(bytesOfKey(first!, 'keys')).toEqual(key);
    expect(keyOfBytes(key)).toBe(first);
    expect([...database.keys.keys({ prefix: Buffer.from([0x61, 0xff]) })]).toEqual([first]);
    expect(JSON.parse(JSON.stringify({ first }))).toEqual({ first });
  });
});

describe('a bson database', () => {
  it('has documents as values, which keep their types', async () => {
    const database = await all.memory({ codec: 'bson' });
    const value = { at: { $date: '2026-01-31T12:00:00Z' }, n: { $numberLong: '9007199254740993' } };
    await database.keys.set('a', value);
    expect(database.keys.get('a')).toEqual(value);
    expect(await codeOf(() => database.keys.set('b', 'text'))).toBe('VALUE_INVALID');
  });
});

describe('the codec', () => {
  it('is recorded with the first value, and another one is refused from then on', async () => {
    const directory = all.directory();
    await (await all.open(directory, { codec: 'raw' })).close();
    const database = await all.open(directory, { codec: 'bson' });
    await database.keys.set('a', { n: 1 });
    await database.close();
    for (const codec of [Codec.raw, Codec.json]) {
      expect(await codeOf(() => all.open(directory, { codec }))).toBe('CODEC_MISMATCH');
    }
    const again = await all.open(directory);
    expect(again.keys.codec).toBe('bson');
    expect(again.keys.get('a')).toEqual({ n: 1 });
    await again.close();
    expect((await all.open(directory, { codec: 'bson' })).keys.count()).toBe(1);
  });

  it('is recorded with the first collection, too', async () => {
    const directory = all.directory();
    const database = await all.open(directory, { codec: 'bson' });
    await database.createCollection('people');
    await database.close();
    expect(await codeOf(() => all.open(directory, { codec: 'json' }))).toBe('CODEC_MISMATCH');
  });
});

describe('a search', () => {
  it('looks a prefix up instead of walking to it, and is bounded where it walks', async () => {
    const database = await all.memory();
    const entries = Array.from({ length: 100_001 }, (_, i) => ({ key: `k${i}`, value: 0 }));
    await database.keys.setMany([...entries, { key: 'z-needle', value: 1 }]);
    expect(database.keys.search({ prefix: 'z' })).toHaveLength(1);
    expect(database.keys.search({ prefix: 'k9999', q: '8' }).map(({ key }) => key)).toEqual([
      'k99998',
    ]);
    expect(await codeOf(() => database.keys.search({ q: 'needle' }))).toBe('SEARCH_LIMIT');
    expect(database.keys.search({ q: 'needle', after: 'k5' })).toHaveLength(1);
  });
});
