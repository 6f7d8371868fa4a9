import type { KeyPeer } from './key-peer.ts';
import { loadLevel } from './leveldb.ts';
import { loadLmdb } from './lmdb.ts';
import { loadMariadb } from './mariadb.ts';
import type { Peer } from './peer.ts';
import { loadPostgres } from './postgres.ts';
import { loadSqlite } from './sqlite.ts';
import { tidemark } from './tidemark.ts';
import { tidemarkKeys } from './tidemark-keys.ts';

/** Who keeps orders with their history, and who keeps keys and values. */
const ORDER_PEERS = {
  tidemark: () => tidemark,
  sqlite: loadSqlite,
  postgres: loadPostgres,
  mariadb: loadMariadb,
} satisfies Record<string, () => Peer>;
const KEY_PEERS = {
  tidemark: () => tidemarkKeys,
  lmdb: loadLmdb,
  leveldb: loadLevel,
} satisfies Record<string, () => KeyPeer>;

export type PeerName = keyof typeof ORDER_PEERS | keyof typeof KEY_PEERS;
export const PEER_NAMES: readonly PeerName[] = [
  'tidemark',
  'sqlite',
  'postgres',
  'mariadb',
  'lmdb',
  'leveldb',
];

/** What a workload is about: a peer takes part in those of its kind. Only Tidemark is a service. */
export type Kind = 'orders' | 'keys' | 'service';

export function orderPeer(name: PeerName): Peer | undefined {
  return name in ORDER_PEERS ? ORDER_PEERS[name as keyof typeof ORDER_PEERS]() : undefined;
}

export function keyPeer(name: PeerName): KeyPeer | undefined {
  return name in KEY_PEERS ? KEY_PEERS[name as keyof typeof KEY_PEERS]() : undefined;
}

export interface LoadedPeers {
  readonly orders: readonly Peer[];
  readonly keys: readonly KeyPeer[];
  /** Why a peer that was asked for is not there, by name. */
  readonly missing: Readonly<Record<string, string>>;
}

/** The peers of these names, as far as they are installed. */
export function loadPeers(names: readonly PeerName[]): LoadedPeers {
  const orders: Peer[] = [];
  const keys: KeyPeer[] = [];
  const missing: Record<string, string> = {};
  for (const name of names) {
    try {
      const peer = orderPeer(name);
      if (peer !== undefined) orders.push(peer);
      const key = keyPeer(name);
      if (key !== undefined) keys.push(key);
    } catch (error) {
      missing[name] = error instanceof Error ? error.message.split('\n')[0]! : String(error);
    }
  }
  return { orders, keys, missing };
}
