export { type LoadedPeers, loadPeers, PEER_NAMES, type PeerName } from './load-peers.ts';
export type { MaybePromise, Moment, PastQuestion, Peer, PeerStore, Row, Visit } from './peer.ts';
export { tidemark } from './tidemark.ts';
