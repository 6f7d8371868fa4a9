import { MemoryKeyspaceStore } from '../../storage/index.ts';
import { keyspaceStoreContract } from '../contracts/keyspace-store.ts';

keyspaceStoreContract('MemoryKeyspaceStore', async (request) => ({
  store: new MemoryKeyspaceStore(request),
}));
