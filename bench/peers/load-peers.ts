import type { Peer } from './peer.ts';
import { loadSqlite } from './sqlite.ts';
import { tidemark } from './tidemark.ts';

export const PEER_NAMES = ['tidemark', 'sqlite'] as const;
export type PeerName = (typeof PEER_NAMES)[number];

export interface LoadedPeers {
  readonly peers: readonly Peer[];
  /** Why a peer that was asked for is not there, by name. */
  readonly missing: Readonly<Record<string, string>>;
}

/** The peers of these names, as far as their packages are installed. */
export function loadPeers(names: readonly PeerName[]): LoadedPeers {
  const peers: Peer[] = [];
  const missing: Record<string, string> = {};
  for (const name of names) {
    try {
      peers.push(name === 'sqlite' ? loadSqlite() : tidemark);
    } catch (error) {
      missing[name] = error instanceof Error ? error.message.split('\n')[0]! : String(error);
    }
  }
  return { peers, missing };
}
