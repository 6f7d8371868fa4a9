import { type Command, InvalidArgumentError } from 'commander';
import { pino } from 'pino';
import {
  type ServiceConfiguration,
  standardConfiguration,
  startService,
} from '../../server/index.ts';
import type { Context, ContextOf } from '../context.ts';

interface ServeOptions {
  readonly host?: string;
  readonly port?: number;
}

/** `serve`: the store over HTTP, until it is interrupted. */
export function addServe(program: Command, contextOf: ContextOf): void {
  program
    .command('serve')
    .description('serve the store over HTTP; ends cleanly with Ctrl-C')
    .option('--host <address>', 'the address to listen at')
    .option('--port <n>', 'the port to listen at; 0 takes any that is free', portArgument)
    .action((options: ServeOptions, command: Command) => serve(contextOf(command), options));
}

async function serve(context: Context, options: ServeOptions): Promise<void> {
  const { terminal } = context;
  await terminal.interruptible(async (signal) => {
    const configuration = configurationOf(context, options);
    const service = await startService({ configuration, logger: logger(context) });
    context.answer({ url: service.url }, `listening at ${service.url}`);
    await context.finish();
    await aborted(signal);
    await service.close();
  });
}

function configurationOf(context: Context, { host, port }: ServeOptions): ServiceConfiguration {
  const standard = standardConfiguration(context.options.data);
  const server = {
    host: host ?? standard.server.host,
    port: port ?? standard.server.port,
  };
  return { ...standard, server };
}

/** Standard output is the answer; what happens meanwhile goes to standard error. */
function logger({ options, terminal }: Context) {
  const level = options.verbose ? 'debug' : options.quiet ? 'warn' : 'info';
  return pino({ level, base: null }, terminal.stderr);
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function portArgument(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new InvalidArgumentError('It must be a whole number from 0 to 65535.');
}
