export type { Host, Hosts } from './host.ts';
export {
  EMPTY_ROUTE,
  type Listening,
  listenAsEmptyRoute,
  listenAsService,
  TEXT_ROUTE,
} from './listen.ts';
export { Load, type Question } from './load.ts';
export { processHosts } from './process-hosts.ts';
export { requestText } from './raw-connection.ts';
export { residentMib, residentMibMax } from './resident-memory.ts';
export { openStream } from './stream.ts';
