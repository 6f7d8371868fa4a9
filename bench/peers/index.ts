export type { KeyEntry, KeyPeer, KeyStore } from './key-peer.ts';
export {
  type Kind,
  keyPeer,
  loadPeers,
  orderPeer,
  PEER_NAMES,
  type PeerName,
} from './load-peers.ts';
export type {
  FindQuestion,
  MaybePromise,
  Moment,
  PastQuestion,
  Peer,
  PeerStore,
  Row,
  Visit,
} from './peer.ts';
export { tidemark } from './tidemark.ts';
export { tidemarkKeys } from './tidemark-keys.ts';
