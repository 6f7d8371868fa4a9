import { expect, it } from 'vitest';
import { Keyspace } from '../../eventlog/index.ts';
import { encodeTerm, livePostings } from '../../query/index.ts';
import { ownerOtherThan } from '../../query/table-indexes.ts';
import { encodeRowKey, KeyType, WriteBatch } from '../../storage/index.ts';
import { memoryParts } from '../support/event-stores.ts';

it('does not take a string for the owner of another that it begins with', async () => {
  const { store, close } = memoryParts();
  const batch = new WriteBatch();
  const owner = encodeRowKey('owner', KeyType.string, 't');
  for (const text of ['a\0b', 'a'.repeat(600)]) {
    batch.set(Keyspace.indexes, livePostings(1, encodeTerm(text)) + owner, Buffer.from([1]));
  }
  store.apply(batch, 1);
  const postings = store.latest.keyspace(Keyspace.indexes);
  for (const text of ['a', 'a'.repeat(512)]) {
    expect(ownerOtherThan('', livePostings(1, encodeTerm(text)), postings)).toBeUndefined();
  }
  expect(ownerOtherThan('', livePostings(1, encodeTerm('a\0b')), postings)).toBe(owner);
  await close();
});
