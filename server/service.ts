/** A service: its instances behind a socket. */
import { type Logger as PinoLogger, pino } from 'pino';
import { ioError, TidemarkError } from '../base/index.ts';
import { buildApplication } from './application.ts';
import type { ServiceConfiguration } from './configuration.ts';
import { Instances } from './instances.ts';

export interface ServiceOptions {
  readonly configuration: ServiceConfiguration;
  /** Default: says nothing. */
  readonly logger?: PinoLogger;
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

/** Opens no instance yet: each is opened at its first use. @throws ADDRESS_UNAVAILABLE */
export async function startService({ configuration, logger }: ServiceOptions): Promise<Service> {
  const log = logger ?? pino({ level: 'silent' });
  const instances = new Instances(configuration.instances, log);
  const app = await buildApplication({ instances, logger: log });
  const { host, port } = configuration.server;
  let url: string;
  try {
    url = await app.listen({ host, port });
  } catch (error) {
    await app.close();
    throw unavailable(error, host, port);
  }
  let closing: Promise<void> | undefined;
  const close = async () => {
    await app.close();
    await instances.close();
  };
  return {
    url,
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
