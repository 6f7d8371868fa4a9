import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { pino } from 'pino';
import { TidemarkError } from '../../base/index.ts';
import { loadConfiguration, type ServiceConfiguration, startService } from '../../server/index.ts';
import type { Context, ContextOf } from '../context.ts';

interface ServeOptions {
  readonly config?: string;
  readonly host?: string;
  readonly port?: string;
  readonly set: Readonly<Record<string, string>>;
}

/** Taken if it is there and no other is named. */
const CONFIGURATION_FILE = 'tidemark.toml';

/** `serve`: the store over HTTP, until it is interrupted. */
export function addServe(program: Command, contextOf: ContextOf): void {
  program
    .command('serve')
    .description('serve stores over HTTP; ends cleanly with Ctrl-C')
    .option('--config <file>', `settings; without it ${CONFIGURATION_FILE}, if it is there`)
    .option('--host <address>', 'the address to listen at')
    .option('--port <n>', 'the port to listen at; 0 takes any that is free')
    .option('--set <name=value>', 'any other setting of [server]; repeatable', settingArgument, {})
    .action((options: ServeOptions, command: Command) => {
      const isStated = command.getOptionValueSourceWithGlobals('data') !== 'default';
      return serve(contextOf(command), options, isStated);
    });
}

async function serve(context: Context, options: ServeOptions, isStated: boolean): Promise<void> {
  const { terminal } = context;
  const configuration = configurationOf(context, options, isStated);
  const logger = loggerOf(context, configuration);
  await terminal.interruptible(async (signal) => {
    const service = await startService({ configuration, logger });
    context.answer({ url: service.url }, `listening at ${service.url}`);
    await context.finish();
    await aborted(signal);
    await service.close();
  });
}

/** @param isStated whether `--data` was given: its directory counts where no file names instances */
function configurationOf(
  { terminal: { environment }, options: { data } }: Context,
  { config, host, port, set }: ServeOptions,
  isStated: boolean,
): ServiceConfiguration {
  const standing = existsSync(CONFIGURATION_FILE) ? CONFIGURATION_FILE : undefined;
  return loadConfiguration({
    file: config ?? environment.TIDEMARK_CONFIG ?? standing,
    environment,
    flags: {
      ...set,
      ...(host === undefined ? {} : { host }),
      ...(port === undefined ? {} : { port }),
    },
    directory: isStated ? data : undefined,
  });
}

/** Standard output is the answer; what happens meanwhile goes to standard error. */
function loggerOf({ options, terminal }: Context, { server }: ServiceConfiguration) {
  const stated = options.verbose ? 'debug' : options.quiet ? 'warn' : undefined;
  return pino({ level: stated ?? server.logLevel, base: null }, terminal.stderr);
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** @throws CONFIGURATION_INVALID */
function settingArgument(
  text: string,
  before: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const at = text.indexOf('=');
  if (at > 0) return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
  throw new TidemarkError(
    'CONFIGURATION_INVALID',
    `--set is ${JSON.stringify(text)}; allowed: name=value, such as port=8080`,
  );
}
