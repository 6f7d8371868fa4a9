import { MemoryStorage } from '../../storage/index.ts';
import { storageEngineContract } from '../contracts/storage-engine.ts';

storageEngineContract('MemoryStorage', async () => ({ engine: new MemoryStorage() }));
