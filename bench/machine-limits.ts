/** What the machine can do at most: the figures that the others are to be seen against. */
import { closeSync, fdatasyncSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure } from './figure.ts';
import { orderAt } from './orders.ts';

const MIB = 1024 * 1024;
const PREALLOCATED_BYTES = 16 * MIB;
const SEQUENTIAL_BYTES = 256 * MIB;

/** @param millis for each of the repeated ones */
export function machineLimits(directory: string, millis: number): Figure[] {
  const path = join(directory, 'limits');
  try {
    return [
      syncsPerSecond(path, millis),
      sequentialWrite(path),
      sequentialRead(path),
      perSecond('make an order', millis, (i) => orderAt(i, 1)),
      perSecond('JSON.stringify of an order', millis, jsonWriter()),
      perSecond('JSON.parse of an order', millis, jsonReader()),
    ];
  } finally {
    rmSync(path, { force: true });
  }
}

/** 4 KiB overwritten and synced, one after another, in a file whose blocks are there already. */
function syncsPerSecond(path: string, millis: number): Figure {
  const file = openSync(path, 'w');
  writeSync(file, Buffer.alloc(PREALLOCATED_BYTES, 1));
  fdatasyncSync(file);
  const page = Buffer.alloc(4096, 2);
  const figure = perSecond('fdatasync of 4 KiB, preallocated', millis, (i) => {
    writeSync(file, page, 0, page.length, (i * page.length) % PREALLOCATED_BYTES);
    fdatasyncSync(file);
  });
  closeSync(file);
  return figure;
}

function sequentialWrite(path: string): Figure {
  const file = openSync(path, 'w');
  const piece = Buffer.alloc(MIB, 3);
  const started = performance.now();
  for (let written = 0; written < SEQUENTIAL_BYTES; written += MIB) writeSync(file, piece);
  fdatasyncSync(file);
  const seconds = (performance.now() - started) / 1000;
  closeSync(file);
  return {
    name: 'sequential write, synced',
    unit: 'MB/s',
    value: SEQUENTIAL_BYTES / 1e6 / seconds,
  };
}

/** What `sequentialWrite` left, from the system's cache as a store that is in use has it. */
function sequentialRead(path: string): Figure {
  const file = openSync(path, 'r');
  const piece = Buffer.alloc(MIB);
  const started = performance.now();
  let bytes = 0;
  for (let read = readSync(file, piece); read > 0; read = readSync(file, piece)) bytes += read;
  const seconds = (performance.now() - started) / 1000;
  closeSync(file);
  return { name: 'sequential read, cached', unit: 'MB/s', value: bytes / 1e6 / seconds };
}

function jsonWriter(): (i: number) => unknown {
  const orders = Array.from({ length: 1000 }, (_, i) => orderAt(i, 1));
  return (i) => JSON.stringify(orders[i % orders.length]);
}

function jsonReader(): (i: number) => unknown {
  const texts = Array.from({ length: 1000 }, (_, i) => JSON.stringify(orderAt(i, 1)));
  return (i) => JSON.parse(texts[i % texts.length]!);
}

/** The results are kept for a while, so that the work cannot be left out. */
const kept: unknown[] = new Array(256);

function perSecond(name: string, millis: number, work: (i: number) => unknown): Figure {
  const started = performance.now();
  let runs = 0;
  while (performance.now() - started < millis) {
    for (let i = 0; i < 64; i++, runs++) kept[runs & 255] = work(runs);
  }
  return { name, unit: 'calls/s', value: runs / ((performance.now() - started) / 1000) };
}
