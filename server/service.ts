/** A service: its instances behind a socket. */
import { type Logger as PinoLogger, pino } from 'pino';
import { type Files, ioError, NodeFiles, TidemarkError } from '../base/index.ts';
import { buildApplication } from './application.ts';
import type { ServiceConfiguration } from './configuration.ts';
import { Instances } from './instances.ts';
import { urlOf } from './socket.ts';
import { readTls } from './tls.ts';
import { Tokens } from './tokens.ts';

/** For answers under way when the service is told to end. */
const CLOSE_GRACE_MS = 10_000;

export interface ServiceOptions {
  readonly configuration: ServiceConfiguration;
  /** Default: says nothing. */
  readonly logger?: PinoLogger;
  /** Default: the machine's file system. */
  readonly files?: Files;
}

export interface Service {
  /** Where it listens: the port is the one it got, where any would do. */
  readonly url: string;
  /**
   * Takes no more requests, finishes those under way, closes the instances. Nothing that was
   * acknowledged is lost. Closing twice is no error.
   */
  close(): Promise<void>;
}

/**
 * Opens no instance yet: each is opened at its first use.
 * @throws ADDRESS_UNAVAILABLE, LOCKED, INPUT_MISSING for certificates, INSTANCE_EXISTS
 */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { configuration, logger = pino({ level: 'silent' }), files = new NodeFiles() } = options;
  const { server, dataDirectory, instances: configured } = configuration;
  const tls = server.tls && readTls(server.tls, files);
  const instances = new Instances({ configured, dataDirectory, files, logger });
  const tokens = server.auth === 'off' ? undefined : await Tokens.open(dataDirectory, files);
  const app = await buildApplication({ instances, server, logger, tls, tokens });
  try {
    await app.listen({ host: server.host, port: server.port });
  } catch (error) {
    await app.close();
    await tokens?.close();
    throw unavailable(error, server.host, server.port);
  }
  if (server.auth === 'off') {
    logger.warn('authentication is off: whoever is on this machine may read and write everything');
  }
  let closing: Promise<void> | undefined;
  const close = async () => {
    // Who reads slowly, or never, must not keep the service from ending.
    const grace = setTimeout(() => app.server.closeAllConnections(), CLOSE_GRACE_MS);
    await app.close().finally(() => clearTimeout(grace));
    await instances.close();
    await tokens?.close();
  };
  return {
    url: urlOf(app.server, tls),
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** Other errors than those of the operating system are ours and pass unchanged. */
function unavailable(error: unknown, host: string, port: number): unknown {
  const coded = ioError(error, 'listening', `${host}:${port}`);
  if (!(coded instanceof TidemarkError) || coded.code !== 'IO_FAILED') return error;
  const { errno } = coded.data;
  return new TidemarkError(
    'ADDRESS_UNAVAILABLE',
    `cannot listen at ${host}:${port}: ${String(errno)}; allowed: an address of this machine and a port that is free`,
    { host, port, errno },
    error,
  );
}
