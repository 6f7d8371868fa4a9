/**
 * Every reader is given bytes that were written by the one writer and changed since, with their
 * checksums made to hold again where it has one: it gives a value, undefined or a coded error,
 * never another exception, and it ends.
 *
 * `TIDEMARK_FUZZ_SEED=n TIDEMARK_FUZZ_RUNS=n` reruns a seed, or runs longer. Seeds are fixed here:
 * CI is to fail on what a change broke, not by chance.
 */
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  canonicalJson,
  checkFileHeader,
  encodeFileHeader,
  encodeRecord,
  isPlainObject,
  isTidemarkError,
  RECORD_HEADER_BYTES,
  type RecordState,
  recordAt,
  sealRecord,
  wasWholeRecord,
} from '../../base/index.ts';
import { csvRows } from '../../cli/readers/csv-rows.ts';
import { historyCommits } from '../../cli/readers/history-commits.ts';
import { ndjsonRows } from '../../cli/readers/ndjson-rows.ts';
import { compileTable, definitionOf } from '../../database/catalog.ts';
import { readMarkedState } from '../../eventlog/apply-rule.ts';
import { decodeColumns } from '../../eventlog/changed-columns.ts';
import { readCommitHead } from '../../eventlog/commit-format.ts';
import { readEvent } from '../../eventlog/event-format.ts';
import { FRAME_HEADER_BYTES, readFrameHeader } from '../../eventlog/frame-format.ts';
import { readFrameCommits } from '../../eventlog/frame-reader.ts';
import { laterFrame } from '../../eventlog/frame-search.ts';
import { decodeMetadata, FileCommitLog } from '../../eventlog/index.ts';
import { SEGMENT_KIND, segmentName } from '../../eventlog/segment-format.ts';
import { decodeCursor, encodeCursor } from '../../query/index.ts';
import {
  AppendOnlyLogStorage,
  decodeRowKey,
  encodeRowKey,
  KeyType,
  LsmStorage,
  Operation,
  parseRow,
  readRowRecord,
  readRowStamp,
} from '../../storage/index.ts';
import { Block } from '../../storage/lsm/block.ts';
import { BlockCursor } from '../../storage/lsm/block-cursor.ts';
import { sealBlockAsIs, unsealBlock } from '../../storage/lsm/block-format.ts';
import { BlockWriter } from '../../storage/lsm/block-writer.ts';
import { BloomFilter, BloomFilterBuilder } from '../../storage/lsm/bloom-filter.ts';
import { decodeEdit, encodeEdit } from '../../storage/lsm/manifest-format.ts';
import { applyEdit, EMPTY_STATE } from '../../storage/lsm/manifest-state.ts';
import { readRecordLog } from '../../storage/lsm/record-log.ts';
import { SearchKey } from '../../storage/lsm/search-key.ts';
import { decodeTableFooter } from '../../storage/lsm/table-format.ts';
import { collected, inPieces } from '../cli/readers/sources.ts';
import { drafted, rowTable } from '../support/event-stores.ts';
import { FrameChain } from '../support/frames.ts';
import { goldenRowForms } from '../support/golden-log.ts';
import { MemoryFiles } from '../support/memory-files.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { mutated } from './mutation.ts';

const SEED = Number(process.env.TIDEMARK_FUZZ_SEED ?? 1);
const RUNS = Number(process.env.TIDEMARK_FUZZ_RUNS ?? 2000);
/** Readers that open files, in memory, take longer. */
const FILE_RUNS = Math.ceil(RUNS / 10);

const table = rowTable(1);
const chain = new FrameChain()
  .claim()
  .frame(
    {
      changes: [
        drafted(table, 'a', Operation.insert, 1, { name: 'Ana', tags: ['x', 1, null] }),
        drafted(table, 'b\0ä', Operation.insert, 1, { n: 1.5 }),
      ],
      metadata: canonicalJson({ actor: 'ana', fields: { why: 'fuzz' } }),
    },
    { changes: [drafted(table, 'a', Operation.delete, 2)] },
  )
  .frame({ changes: [drafted(rowTable(2, KeyType.integer), 7, Operation.insert, 1, { id: 7 })] });
const frames = chain.frames.map(({ bytes }) => bytes);
const commits = chain.frames.flatMap(
  ({ bytes, header }) => readFrameCommits(bytes, header) ?? expect.fail('the frames are valid'),
);
const heads = commits.map(({ head }) => Buffer.from(head.source.subarray(head.start, head.end)));
const events = commits.flatMap(({ events: all }) =>
  all.map(({ row, start, end }) => Buffer.from(row.source.subarray(start, end))),
);
const rows = commits.flatMap(({ events: all }) =>
  all.map(({ row, rowStart, end }) => Buffer.from(row.source.subarray(rowStart, end))),
);
const edits = [
  encodeEdit(1, {
    next: 4,
    add: [1, 2].map((number) => ({
      number,
      keyspace: 1,
      level: 1,
      age: number,
      entries: 3,
      tombstones: 1,
      bytes: 100,
      smallest: `a${number}`,
      largest: `b${number}`,
    })),
    mark: { sequence: 7, applied: { ...chain.applied, rebuilding: [4] } },
    pin: [
      {
        name: 'p',
        note: { time: 1 },
        sequence: 7,
        keyspaces: [1],
        tables: [{ number: 1, level: 1 }],
      },
    ],
  }),
  encodeEdit(2, { move: [{ number: 2, level: 2 }], remove: [1], unpin: ['p'], note: { group: 3 } }),
];

function blockPayload(codeValues = false): Buffer {
  const writer = new BlockWriter(1024, codeValues);
  for (let i = 0; i < 40; i++) {
    const value = Buffer.from(`value ${i}`);
    writer.add(
      `key ${String(i).padStart(3, '0')}`,
      value,
      0,
      value.length * (i % 7 ? 1 : 0),
      i % 7 === 0,
    );
  }
  return writer.finish();
}

function filterPayload(): Buffer {
  const builder = new BloomFilterBuilder(10);
  for (let i = 0; i < 100; i++) builder.add(`key ${i}`);
  return builder.finish();
}

function readBlock(payload: Buffer): void {
  const block = new Block(payload, 'f', 0);
  const cursor = new BlockCursor(block);
  for (let i = 0; cursor.next(); i++) {
    expect(i).toBeLessThan(block.entries);
    cursor.key();
    if (block.coding !== undefined) cursor.decode();
    else block.bytes.subarray(cursor.start, cursor.end);
  }
  const wanted = new SearchKey();
  for (const key of ['', 'key 013', 'key 0135', 'z']) {
    wanted.set(key);
    const search = new BlockCursor(block);
    search.search(wanted);
    if (search.ordinal < block.entries) search.moveTo(search.ordinal);
  }
}

/** What is JSON again after the change, or is not. */
function json(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

/** Makes the checksum hold, if there is room for one. */
function sealed(bytes: Buffer): Buffer {
  if (bytes.length > RECORD_HEADER_BYTES) sealRecord(bytes, 0, bytes.length);
  return bytes;
}

interface Reader {
  readonly samples: readonly Buffer[];
  readonly read: (bytes: Buffer, random: SeededRandom) => unknown;
}

const definition = {
  id: 3,
  name: 'things',
  keyType: 'string',
  primaryKey: 'id',
  schema: { properties: { id: { type: 'string' }, n: { type: ['integer', 'null'] } } },
  schemaVersion: 2,
};

const cursor = encodeCursor({
  isBefore: false,
  generation: 12345,
  position: 678,
  table: 1,
  schemaVersion: 1,
  query: 'ab'.repeat(16),
  order: '[{"by":"$.name","reverse":false}]',
  rank: 'rank',
});

const READERS: Readonly<Record<string, Reader>> = {
  'a cursor': {
    samples: [Buffer.from(cursor, 'base64url')],
    read: (bytes) => {
      const body = bytes.subarray(0, Math.max(0, bytes.length - 4));
      const checksum = Buffer.alloc(4);
      checksum.writeUInt32LE(crc32(body));
      return decodeCursor(Buffer.concat([body, checksum]).toString('base64url'));
    },
  },
  'a record': {
    samples: [encodeRecord(Buffer.from('payload')), ...frames],
    read: (bytes, random): RecordState => {
      const at = random.below(bytes.length + 1);
      wasWholeRecord(bytes, at);
      return recordAt(bytes, at).state;
    },
  },
  'a file header': {
    samples: [encodeFileHeader(SEGMENT_KIND)],
    read: (bytes) => checkFileHeader(bytes, SEGMENT_KIND, 'f'),
  },
  'a frame': {
    samples: frames,
    read: (bytes) => {
      const header = readFrameHeader(sealed(bytes));
      laterFrame(bytes, -1, 0);
      return header && readFrameCommits(bytes, header);
    },
  },
  'the body of a frame': {
    samples: frames.map((frame) => frame.subarray(FRAME_HEADER_BYTES)),
    read: (body, random) => {
      const frame = random.pick(frames);
      const header = readFrameHeader(frame);
      return (
        header &&
        readFrameCommits(Buffer.concat([frame.subarray(0, FRAME_HEADER_BYTES), body]), header)
      );
    },
  },
  'a commit head': {
    samples: heads,
    read: (bytes) => {
      const head = readCommitHead(bytes, 0, bytes.length);
      return head && [decodeMetadata(head.metadata), decodeColumns(head.columns)];
    },
  },
  'an event': {
    samples: events,
    read: (bytes) => {
      const event = readEvent(bytes, 0, bytes.length, 1);
      if (event === undefined) return undefined;
      return [
        decodeRowKey(event.encodedKey),
        event.row.operation !== 'delete' && parseRow(event.row),
      ];
    },
  },
  'a row': {
    samples: [...rows, ...goldenRowForms()],
    read: (bytes) => {
      const row = readRowRecord(bytes);
      return row !== undefined && row.operation !== Operation.delete && parseRow(row);
    },
  },
  'the stamp of a row': { samples: rows.map((row) => row.subarray(6, 15)), read: readRowStamp },
  'a row key': {
    samples: ['', 'a', 'ä\0b', 'x'.repeat(300)]
      .map((key) => encodeRowKey(key, KeyType.string, 't'))
      .concat([0, -1, 2 ** 53 - 1].map((key) => encodeRowKey(key, KeyType.integer, 't')))
      .concat(['', 'a\udcff', '\udc80\0é'].map((key) => encodeRowKey(key, KeyType.bytes, 't')))
      .map((key) => Buffer.from(key, 'latin1')),
    read: (bytes) => decodeRowKey(bytes.toString('latin1')),
  },
  'the row of a table definition': {
    samples: [Buffer.from(canonicalJson(definition))],
    read: (bytes) => {
      const row = json(bytes);
      return isPlainObject(row) && compileTable(definitionOf(JSON.parse(JSON.stringify(row))));
    },
  },
  'a mark': {
    samples: [Buffer.from(JSON.stringify({ ...chain.applied, rebuilding: [4] }))],
    read: (bytes) => readMarkedState(json(bytes)),
  },
  'a manifest edit': {
    samples: edits,
    read: (bytes) => {
      const first = applyEdit(EMPTY_STATE, decodeEdit(edits[0]!, 'f', 0));
      return typeof first !== 'string' && applyEdit(first, decodeEdit(bytes, 'f', 0));
    },
  },
  'a log of records': {
    samples: [Buffer.concat(edits.map(encodeRecord))],
    read: (bytes) => readRecordLog('f', bytes, 0, () => true).payloads,
  },
  'a block on disk': {
    samples: [sealBlockAsIs(blockPayload())],
    read: (bytes) => readBlock(unsealBlock(bytes, 'f', 0)),
  },
  'the payload of a block': { samples: [blockPayload(), blockPayload(true)], read: readBlock },
  'a filter': {
    samples: [filterPayload()],
    read: (bytes) => new BloomFilter(bytes, 'f', 0).mayContain('key 7'),
  },
  'the footer of a table': {
    samples: [Buffer.alloc(56, 1)],
    read: (bytes, random) => decodeTableFooter(bytes, 'f', random.below(5000)),
  },
};

describe(`a reader of changed bytes (seed ${SEED}, ${RUNS} runs)`, () => {
  for (const [name, { samples, read }] of Object.entries(READERS)) {
    it(`of ${name} gives a value, nothing, or a coded error`, () => {
      const random = new SeededRandom(SEED);
      for (let run = 0; run < RUNS; run++) {
        const bytes = mutated(random, random.pick(samples));
        const hex = bytes.toString('hex');
        try {
          read(bytes, random);
        } catch (error) {
          if (!isTidemarkError(error)) throw Object.assign(error as Error, { run, hex });
        }
      }
      // Not every change is one too many: the unchanged bytes are read.
      for (const sample of samples)
        expect(() => read(Buffer.from(sample), random)).not.toThrow(TypeError);
    });
  }
});

/** Runs `open` on changed copies of the files that match, and whatever it gives is used. */
async function fuzzFiles(
  files: MemoryFiles,
  pattern: RegExp,
  open: (files: MemoryFiles) => Promise<void>,
): Promise<void> {
  const random = new SeededRandom(SEED);
  const paths = files.paths().filter((path) => pattern.test(path));
  expect(paths.length).toBeGreaterThan(0);
  for (let run = 0; run < FILE_RUNS; run++) {
    const copy = files.copy();
    const path = random.pick(paths);
    copy.put(path, mutated(random, files.readFile(path)));
    try {
      await open(copy);
    } catch (error) {
      if (!isTidemarkError(error)) throw Object.assign(error as Error, { run, path });
    }
  }
}

describe(`files with changed bytes (seed ${SEED}, ${FILE_RUNS} runs)`, () => {
  it('of the log give frames or CORRUPTION', async () => {
    const files = new MemoryFiles();
    const logger = { debug() {}, info() {}, warn() {}, error() {} };
    const open = (each: MemoryFiles) =>
      new FileCommitLog({
        files: each,
        directory: '/log',
        durability: 'os',
        segmentBytes: 400,
        logger,
      });
    const log = open(files);
    for (const { bytes, header } of chain.frames) await log.append(bytes, header);
    await log.close();
    expect(files.exists(`/log/${segmentName(1)}`)).toBe(true);
    await fuzzFiles(files, /\.wal$/, async (each) => {
      const damaged = open(each);
      for (const _ of damaged.check());
      for (const { frame } of damaged.tail(1)) expect(readFrameHeader(frame)).toBeDefined();
    });
  });

  it('of an LSM engine and its write-ahead log give entries or a coded error', async () => {
    const files = new MemoryFiles();
    const open = (each: MemoryFiles) =>
      LsmStorage.open({ directory: '/lsm', files: each, blockBytes: 64 });
    const storage = await open(files);
    for (let i = 0; i < 30; i++) await storage.set(`key ${i}`, Buffer.from(`value ${i}`));
    await storage.flush();
    for (let i = 20; i < 40; i++) await storage.set(`key ${i}`, Buffer.from(`newer ${i}`));
    await storage.close();
    await fuzzFiles(files, /./, async (each) => {
      const damaged = await open(each);
      try {
        const cursor = damaged.scan();
        while (cursor.next()) expect(cursor.key).toMatch(/^key /);
      } finally {
        await damaged.close();
      }
    });
  });

  it('of an append-only log give entries or a coded error', async () => {
    const files = new MemoryFiles();
    const open = (each: MemoryFiles) => AppendOnlyLogStorage.open('/aol', { files: each });
    const storage = await open(files);
    for (let i = 0; i < 30; i++) await storage.set(`key ${i % 20}`, Buffer.from(`value ${i}`));
    await storage.close();
    await fuzzFiles(files, /./, async (each) => {
      const damaged = await open(each);
      try {
        const cursor = damaged.scan();
        while (cursor.next()) expect(cursor.key).toMatch(/^key /);
      } finally {
        await damaged.close();
      }
    });
  });
});

describe(`an import of changed bytes (seed ${SEED}, ${FILE_RUNS} runs)`, () => {
  const types = new Map([
    ['n', ['integer', 'null']],
    ['list', ['array']],
  ]);
  const readers: Readonly<
    Record<string, [string, (chunks: AsyncIterable<Buffer>) => AsyncIterable<readonly unknown[]>]>
  > = {
    CSV: [
      'id,n,list\r\na,1,"[1, 2]"\n"b ""c""",,\nä,x,[]\n',
      (chunks) => csvRows(chunks, ',', types),
    ],
    NDJSON: ['{"id":"a","n":1}\n\n{"id":"ä","deep":[[{"x":null}]]}\n', ndjsonRows],
    'a history': [
      '{"time":"2013-03-01T09:30:00Z","changes":[{"op":"insert","key":"A","row":{"id":"A"}}],"actor":"ana"}\n{"time":1362130200000000,"changes":[{"op":"delete","key":7}],"fields":{"x":1},"y":2}\n',
      historyCommits,
    ],
  };
  for (const [name, [sample, read]] of Object.entries(readers)) {
    it(`from ${name} gives rows or IMPORT_INVALID`, async () => {
      const random = new SeededRandom(SEED);
      for (let run = 0; run < FILE_RUNS * 2; run++) {
        const bytes = mutated(random, Buffer.from(sample));
        try {
          await collected(read(inPieces(bytes, random.between(1, 50))));
        } catch (error) {
          if (!isTidemarkError(error, 'IMPORT_INVALID')) {
            throw Object.assign(error as Error, { run, hex: bytes.toString('hex') });
          }
        }
      }
    });
  }
});
