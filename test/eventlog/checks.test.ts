import { describe, expect, it } from 'vitest';
import { isTidemarkError, orderedU64 } from '../../base/index.ts';
import {
  actorPrefix,
  rowHistoryPrefix,
  tableCommitsPrefix,
} from '../../eventlog/history-format.ts';
import {
  type ChainCheck,
  checkChain,
  checkRows,
  encodeMetadata,
  Keyspace,
  type RowsCheck,
} from '../../eventlog/index.ts';
import {
  cursorValue,
  encodeRowKey,
  KeyType,
  livePrefix,
  retiredPrefix,
  WriteBatch,
} from '../../storage/index.ts';
import {
  append,
  type EventStoreParts,
  memoryParts,
  put,
  rowTable,
} from '../support/event-stores.ts';

const people = rowTable(1);
const others = rowTable(2);
const ada = encodeRowKey('ada', KeyType.string, 't');
const bob = encodeRowKey('bob', KeyType.string, 't');

/**
 * A store with three frames behind its claim: positions 1 to 3 (ada and bob inserted, ada updated),
 * 4 (a row of another table, with metadata), 5 and 6 (bob deleted, zoë inserted).
 */
async function goodStore(): Promise<EventStoreParts> {
  const parts = memoryParts();
  append(parts, (engine) => {
    engine.insertRow(people, 'ada', { n: 1 });
    engine.insertRow(people, 'bob', { n: 2 });
    engine.updateRow(people, 'ada', () => ({ n: 3 }));
  });
  await parts.events.settled();
  put(parts, others, 'x', {}, { metadata: encodeMetadata({ actor: 'ada', correlationId: 'c' }) });
  await parts.events.settled();
  append(parts, (engine) => {
    engine.deleteRow(people, 'bob');
    engine.insertRow(people, 'zoë', { n: 4 });
  });
  await parts.events.settled();
  return parts;
}

interface Checked {
  readonly chain: ChainCheck | undefined;
  readonly rows: RowsCheck | undefined;
  readonly findings: string[];
}

function last<T>(walk: Generator<T>): T | undefined {
  let newest: T | undefined;
  for (const step of walk) newest = step;
  return newest;
}

/** Runs both checks; a walk that cannot go on is a finding, too. */
function check({ store, events }: EventStoreParts): Checked {
  const findings: string[] = [];
  const report = (finding: { check: string; message: string }) =>
    findings.push(`${finding.check}: ${finding.message}`);
  const walked = <T>(walk: Generator<T>): T | undefined => {
    try {
      return last(walk);
    } catch (error) {
      if (!isTidemarkError(error, 'CORRUPTION')) throw error;
      findings.push(`unreadable: ${error.message}`);
      return undefined;
    }
  };
  const chain = walked(checkChain(store.published, events.head.position, report));
  const rows = walked(checkRows(store.published, report));
  return { chain, rows, findings };
}

/** Puts wrong bytes into the trees, past the log; undefined takes an entry away. */
function plant({ store, events }: EventStoreParts, keyspace: number, key: string, value?: Buffer) {
  const batch = new WriteBatch();
  if (value === undefined) batch.delete(keyspace, key);
  else batch.set(keyspace, key, value);
  store.apply(batch, events.head.position);
  store.publish(events.head.position);
}

/** Changes an entry that is there. */
function change(
  parts: EventStoreParts,
  keyspace: number,
  key: string,
  edit: (bytes: Buffer) => void,
): void {
  const bytes = Buffer.from(parts.store.published.keyspace(keyspace).get(key)!);
  edit(bytes);
  plant(parts, keyspace, key, bytes);
}

describe('the checks of a store', () => {
  it('find nothing in a good one, and count what they saw', async () => {
    const { chain, rows, findings } = check(await goodStore());
    expect(findings).toEqual([]);
    expect(chain).toMatchObject({ frames: 4, commits: 3, events: 6 });
    expect(chain?.applied).toMatchObject({ group: 4, position: 6, epoch: 1 });
    expect(rows).toEqual({ rows: 4, versions: 6 });
  });

  it('find nothing in an empty one', () => {
    const { chain, rows, findings } = check(memoryParts());
    expect(findings).toEqual([]);
    expect(chain).toBeUndefined();
    expect(rows).toEqual({ rows: 0, versions: 0 });
  });

  const flip = (at: number) => (bytes: Buffer) => {
    bytes[at < 0 ? bytes.length + at : at]! ^= 1;
  };
  const position = orderedU64;
  /** Where row `n: 3` of ada lies in her event: a digit of it is changed, and JSON it stays. */
  const toFour = (bytes: Buffer) => {
    bytes[bytes.length - 2] = '4'.charCodeAt(0);
  };

  const damages: Record<string, [(parts: EventStoreParts) => void, RegExp]> = {
    'an event with another row': [
      (parts) => change(parts, Keyspace.events, position(3), toFour),
      /^chain: frame 2 \(from position 1\) has another hash than it had$/,
    ],
    'an event that cannot be read': [
      (parts) => change(parts, Keyspace.events, position(3), flip(4)),
      /^unreadable: events/,
    ],
    'an event that is missing': [
      (parts) => plant(parts, Keyspace.events, position(4)),
      /^unreadable: events/,
    ],
    'an event behind the last one': [
      (parts) => plant(parts, Keyspace.events, position(7), Buffer.from('x')),
      /^chain: events goes on behind the chain, which ends at 6$/,
    ],
    'a commit with another time': [
      (parts) => change(parts, Keyspace.commits, position(4), flip(0)),
      /^chain: frame 3 \(from position 4\) has another hash than it had$/,
    ],
    'a commit with another correlation id': [
      (parts) => change(parts, Keyspace.commits, position(4), flip(-3)),
      /^chain: frame 3 \(from position 4\) has another hash than it had$/,
    ],
    'a commit whose metadata cannot be read': [
      (parts) => change(parts, Keyspace.commits, position(4), flip(-1)),
      /^unreadable: commits/,
    ],
    'a frame with another checksum': [
      (parts) => change(parts, Keyspace.frames, position(3), flip(4)),
      /^chain: frame 3 .* has another checksum than it had$/,
    ],
    'a commit that cannot be read': [
      (parts) => change(parts, Keyspace.commits, position(4), flip(16)),
      /^unreadable: commits/,
    ],
    'a commit that is missing': [
      (parts) => plant(parts, Keyspace.commits, position(4)),
      /^unreadable: commits|^chain: frame 3/,
    ],
    'a commit behind the last one': [
      (parts) => plant(parts, Keyspace.commits, position(7), Buffer.from('x')),
      /^(unreadable: commits|chain: commits goes on)/,
    ],
    'a frame with another hash': [
      (parts) => change(parts, Keyspace.frames, position(3), flip(8)),
      /^chain: frame 3 .* has another hash than it had$/,
    ],
    'a frame after another frame': [
      (parts) => change(parts, Keyspace.frames, position(3), flip(119)),
      /^chain: frame 3 .* has another hash than it had$/,
    ],
    'a frame of another epoch': [
      (parts) => change(parts, Keyspace.frames, position(4), flip(56)),
      /^chain: frame 4 .* has another hash than it had$/,
    ],
    'a frame that is missing': [
      (parts) => plant(parts, Keyspace.frames, position(3)),
      /^chain: frame 4 \(from position 5\) does not continue the one before it$/,
    ],
    'the last frame missing': [
      (parts) => plant(parts, Keyspace.frames, position(4)),
      /^chain: the chain ends at position 4, before 6$/,
    ],
    'a frame that cannot be read': [
      (parts) => change(parts, Keyspace.frames, position(3), flip(40)),
      /^unreadable: frames/,
    ],
    'a posting of the log that is missing': [
      (parts) => plant(parts, Keyspace.history, actorPrefix('ada') + position(4)),
      /^projection: the entry .* of history is missing$/,
    ],
    'a time that leads to another commit': [
      (parts) => {
        const { time } = parts.events.reader().commitOf(4)!;
        change(parts, Keyspace.times, orderedU64(time), flip(0));
      },
      /^projection: the entry .* of times differs from what the log gives$/,
    ],
    'a time that the log does not give': [
      (parts) =>
        plant(parts, Keyspace.times, orderedU64(parts.events.head.time + 1), Buffer.alloc(12)),
      /^projection: times holds \d+ entries; the log gives \d+$/,
    ],
    'a summary with another count': [
      (parts) => change(parts, Keyspace.history, tableCommitsPrefix(1) + position(5), flip(8)),
      /^projection: the entry .* of history differs from what the log gives$/,
    ],
    'a posting that the log does not give': [
      (parts) => plant(parts, Keyspace.history, actorPrefix('eve') + position(4), Buffer.alloc(12)),
      /^projection: history holds \d+ entries; the log gives \d+$/,
    ],
    'a version of a row that is missing': [
      (parts) => plant(parts, Keyspace.history, rowHistoryPrefix(1, ada) + position(1)),
      /^history: the event at position 3 has version 2, not 1$/,
    ],
    'a version that cannot be read': [
      (parts) =>
        plant(parts, Keyspace.history, rowHistoryPrefix(1, ada) + position(3), Buffer.from('x')),
      /^history: the event at position 3 has version unreadable, not 2$/,
    ],
    'a row that differs from its last event': [
      (parts) => change(parts, Keyspace.rows, livePrefix(1) + ada, toFour),
      /^rows: the row written at position 3 is not what its table holds$/,
    ],
    'a row that is missing': [
      (parts) => plant(parts, Keyspace.rows, livePrefix(1) + ada),
      /^rows: the row written at position 3 is not what its table holds$/,
    ],
    'a deleted row that is still there': [
      (parts) => {
        const row = parts.store.published.keyspace(Keyspace.rows).get(livePrefix(1) + ada)!;
        plant(parts, Keyspace.rows, livePrefix(1) + bob, Buffer.from(row));
      },
      /^rows: the row written at position 5 is not what its table holds$/,
    ],
    'a deleted row whose version is forgotten': [
      (parts) => plant(parts, Keyspace.rows, retiredPrefix(1) + bob),
      /^rows: the row written at position 5 is not what its table holds$/,
    ],
    'a row that no event wrote': [
      (parts) => plant(parts, Keyspace.rows, livePrefix(9) + ada, Buffer.from('x')),
      /^rows: rows holds 5 entries; the log gives 4$/,
    ],
    'a table that no event made': [
      (parts) => plant(parts, Keyspace.catalog, livePrefix(0) + ada, Buffer.from('x')),
      /^rows: catalog holds 1 entries; the log gives 0$/,
    ],
  };
  for (const [what, [damage, expected]] of Object.entries(damages)) {
    it(`report ${what}`, async () => {
      const parts = await goodStore();
      damage(parts);
      const { findings } = check(parts);
      expect(
        findings.some((finding) => expected.test(finding)),
        findings.join('\n'),
      ).toBe(true);
    });
  }

  it('find any byte changed in any entry', async () => {
    const parts = await goodStore();
    let changed = 0;
    for (const keyspace of Object.values(Keyspace)) {
      const cursor = parts.store.published.keyspace(keyspace).scan();
      while (cursor.next()) {
        const { key } = cursor;
        const whole = Buffer.from(cursorValue(cursor));
        for (let at = 0; at < whole.length; at++) {
          change(parts, keyspace, key, flip(at));
          expect(check(parts).findings, `byte ${at} of an entry of ${keyspace}`).not.toEqual([]);
          plant(parts, keyspace, key, whole);
          changed++;
        }
      }
      cursor.close();
    }
    expect(check(parts).findings).toEqual([]);
    expect(changed).toBeGreaterThan(900);
  });
});
