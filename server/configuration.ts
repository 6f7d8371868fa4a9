/** What a service is started with: every setting there, checked, whatever it came from. */
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { DatabaseOptions } from '../database/index.ts';
import {
  numberOrOff,
  oneOf,
  onOrOff,
  refused,
  type Setting,
  size,
  text,
  texts,
  wholeNumber,
} from './setting.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const HOUR_MS = 3_600_000;

type ValueOf<S> = S extends Setting<infer T> ? T : never;
/** Values by the names that settings have in a file. */
export type Values<S> = { readonly [Name in keyof S]?: ValueOf<S[Name]> };

/** Settings of the service as a whole: `[server]` in a file, `TIDEMARK_…` in the environment. */
export const SERVER_SETTINGS = {
  host: text('an address or name of this machine'),
  port: wholeNumber(0, 65_535),
  data_dir: text('a directory'),
  auth: oneOf('off', 'tokens'),
  tls_cert: text('a PEM file'),
  tls_key: text('a PEM file'),
  cors_origins: texts('a list of origins, such as ["https://example.org"]'),
  requests_per_minute: numberOrOff(1, 10_000_000),
  body_bytes_max: size(KIB, KIB * MIB),
  header_bytes_max: size(KIB, MIB),
  connections_max: wholeNumber(1, 1_000_000),
  request_timeout_ms: wholeNumber(100, 24 * HOUR_MS),
  idle_timeout_ms: wholeNumber(100, 24 * HOUR_MS),
  transactions_max: wholeNumber(1, 100_000),
  transaction_timeout_ms: wholeNumber(100, HOUR_MS),
  log_level: oneOf('debug', 'info', 'warn', 'error', 'silent'),
};

/** Settings of one instance: `[[instance]]` in a file, or the body that makes one. */
export const INSTANCE_SETTINGS = {
  name: text('a name'),
  data_dir: text('a directory'),
  codec: oneOf('raw', 'json', 'bson'),
  query: onOrOff(),
  indexes_file: text('a .toml or .json file'),
  durability: oneOf('fsync', 'os'),
  memtable_max_size: size(KIB, 4096 * MIB),
  block_cache_max_size: size(0, 65_536 * MIB),
  snapshot_every: numberOrOff(1, 2 ** 40),
  snapshot_keep_last: wholeNumber(1, 100_000),
  snapshot_keep_per_doubling: wholeNumber(1, 1000),
  replay_events_max: wholeNumber(0, Number.MAX_SAFE_INTEGER),
  self_check_every_ms: numberOrOff(1, 2 ** 31 - 1),
};

export type ServerValues = Values<typeof SERVER_SETTINGS>;
export type InstanceValues = Values<typeof INSTANCE_SETTINGS>;

export interface ServerConfiguration {
  readonly host: string;
  /** 0 takes any that is free. */
  readonly port: number;
  readonly auth: 'off' | 'tokens';
  readonly tls: { readonly certificateFile: string; readonly keyFile: string } | undefined;
  /** Whose pages may read answers; none by default. */
  readonly corsOrigins: readonly string[];
  /** Of one address; undefined for as many as come. */
  readonly requestsPerMinute: number | undefined;
  readonly bodyBytesMax: number;
  readonly headerBytesMax: number;
  readonly connectionsMax: number;
  /** For a request to come in whole. */
  readonly requestTimeoutMs: number;
  /** Without a byte either way. */
  readonly idleTimeoutMs: number;
  /** Interactive ones that are open at a time, in all instances together. */
  readonly transactionsMax: number;
  readonly transactionTimeoutMs: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
}

export interface InstanceConfiguration {
  readonly name: string;
  readonly directory: string;
  /** Whether it answers queries and has indexes. */
  readonly query: boolean;
  readonly options: DatabaseOptions;
}

export interface ServiceConfiguration {
  readonly server: ServerConfiguration;
  /** Where instances that are made at run time get their directories. */
  readonly dataDirectory: string;
  /** At least one. */
  readonly instances: readonly InstanceConfiguration[];
}

const DATA_DIRECTORY = 'data';
/** A key takes 16 KiB at most, and three times that where every byte of it is escaped. */
const HEADER_BYTES_MAX = 64 * KIB;

/**
 * @param server values as they count: a flag before the environment before a file
 * @param instances without any there is one, `default`
 * @throws CONFIGURATION_INVALID for values that do not go together
 */
export function resolveConfiguration(
  server: ServerValues,
  instances: readonly (InstanceValues & { readonly name: string })[],
): ServiceConfiguration {
  const dataDirectory = server.data_dir ?? DATA_DIRECTORY;
  const named = instances.length === 0 ? [{ name: 'default' }] : instances;
  return {
    server: resolveServer(server),
    dataDirectory,
    instances: named.map((each) => resolveInstance(each, dataDirectory)),
  };
}

/** @param dataDirectory holds the instance's directory where its own is not stated */
export function resolveInstance(
  values: InstanceValues & { readonly name: string },
  dataDirectory: string,
): InstanceConfiguration {
  const { name, data_dir, snapshot_keep_last, snapshot_keep_per_doubling } = values;
  const options: DatabaseOptions = {
    ...(values.codec === undefined ? {} : { codec: values.codec }),
    ...(values.indexes_file === undefined ? {} : { indexesFile: values.indexes_file }),
    ...(values.durability === undefined ? {} : { durability: values.durability }),
    ...given('memtableBytes', values.memtable_max_size),
    ...given('blockCacheBytes', values.block_cache_max_size),
    ...given('replayEventsMax', values.replay_events_max),
    ...(values.snapshot_every === undefined ? {} : { snapshotEvery: values.snapshot_every }),
    ...(values.self_check_every_ms === undefined
      ? {}
      : { selfCheckEvery: values.self_check_every_ms }),
    ...(snapshot_keep_last === undefined && snapshot_keep_per_doubling === undefined
      ? {}
      : {
          snapshotRetention: {
            keepLast: snapshot_keep_last ?? 16,
            keepPerDoubling: snapshot_keep_per_doubling ?? 4,
          },
        }),
  };
  const directory = data_dir ?? join(dataDirectory, name);
  return { name, directory, query: values.query ?? true, options };
}

function resolveServer(values: ServerValues): ServerConfiguration {
  const { host = '127.0.0.1', auth = 'off', tls_cert, tls_key } = values;
  const { requests_per_minute = false } = values;
  if (auth === 'off' && !isLoopback(host)) {
    throw refused(
      'host',
      `is ${host}, where others than this machine reach it, while auth is off`,
      'auth = "tokens", or 127.0.0.1, ::1 or localhost',
    );
  }
  if ((tls_cert === undefined) !== (tls_key === undefined)) {
    throw refused('tls_cert and tls_key', 'only one of them is given', 'both, or none');
  }
  return {
    host,
    port: values.port ?? 7654,
    auth,
    tls:
      tls_cert === undefined || tls_key === undefined
        ? undefined
        : { certificateFile: tls_cert, keyFile: tls_key },
    corsOrigins: values.cors_origins ?? [],
    requestsPerMinute: requests_per_minute === false ? undefined : requests_per_minute,
    bodyBytesMax: values.body_bytes_max ?? 16 * MIB,
    headerBytesMax: values.header_bytes_max ?? HEADER_BYTES_MAX,
    connectionsMax: values.connections_max ?? 10_000,
    requestTimeoutMs: values.request_timeout_ms ?? 300_000,
    idleTimeoutMs: values.idle_timeout_ms ?? 60_000,
    transactionsMax: values.transactions_max ?? 100,
    transactionTimeoutMs: values.transaction_timeout_ms ?? 30_000,
    logLevel: values.log_level ?? 'info',
  };
}

function given<Name extends string>(name: Name, value: number | undefined) {
  const entries: Partial<Record<Name, number>> = {};
  if (value !== undefined) entries[name] = value;
  return entries;
}

export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}
