/** The entry of a process that listens: it says where, and ends with SIGTERM or its parent. */
import { listenAsEmptyRoute, listenAsService } from './listen.ts';

const [, , directory] = process.argv;
const listening = await (directory === undefined
  ? listenAsEmptyRoute()
  : listenAsService(directory));
process.once('SIGTERM', () => listening.close().then(() => process.exit()));
// The channel that the parent holds: when it is gone, so is who asked.
process.once('disconnect', () => process.exit());
process.send?.(listening.url, () => {});
