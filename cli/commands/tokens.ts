import { type Command, Option } from 'commander';
import { isTidemarkError, NodeFiles, TidemarkError } from '../../base/index.ts';
import { EVERYWHERE, ROLES, type Role, type TokenInfo, Tokens } from '../../server/index.ts';
import { type MetadataOptions, metadataOf } from '../arguments.ts';
import type { Context, ContextOf } from '../context.ts';

interface DirectoryOptions {
  readonly serverData: string;
}

interface CreateOptions extends DirectoryOptions, Pick<MetadataOptions, 'actor' | 'reason'> {
  readonly role: Role;
  readonly instance: readonly string[];
}

const SERVER_DATA = 'data';

/** `tokens`: who may call the service, while it does not run; a running one has `/tokens`. */
export function addTokens(program: Command, contextOf: ContextOf): void {
  const tokens = program
    .command('tokens')
    .description('make, list and revoke tokens of the service, while it does not run');
  withDirectory(tokens.command('create'))
    .description('make a token; it is shown once')
    .argument('<name>', 'whose it is: the actor of what is done with it')
    .addOption(new Option('--role <role>', 'what it may do').choices(ROLES).makeOptionMandatory())
    .option(
      '--instance <name>',
      'where; may be given several times (default: everywhere)',
      more,
      [],
    )
    .option('--actor <name>', 'who makes it; kept in the log')
    .option('--reason <text>', 'why; kept in the log')
    .action((name: string, options: CreateOptions, command: Command) =>
      create(contextOf(command), name, options),
    );
  withDirectory(tokens.command('list'))
    .description('list the tokens, without what they are')
    .action((options: DirectoryOptions, command: Command) => list(contextOf(command), options));
  withDirectory(tokens.command('revoke'))
    .description('revoke a token: from then on it opens nothing')
    .argument('<name>')
    .option('--actor <name>', 'who revokes it; kept in the log')
    .option('--reason <text>', 'why; kept in the log')
    .action((name: string, options: CreateOptions, command: Command) =>
      revoke(contextOf(command), name, options),
    );
}

function withDirectory(command: Command): Command {
  return command.option('--server-data <directory>', 'the data_dir of the service', SERVER_DATA);
}

async function create(context: Context, name: string, options: CreateOptions): Promise<void> {
  const { role, instance: named } = options;
  const instances = named.length === 0 ? [EVERYWHERE] : named;
  const grants = instances.map((instance) => ({ instance, role }));
  const token = await withTokens(options, (tokens) =>
    tokens.create(name, grants, metadataOf(options)),
  );
  context.answer({ name, grants, token }, token);
  context.note(`token of ${name}, ${shown({ name, grants })}; it cannot be shown again`);
}

async function list(context: Context, options: DirectoryOptions): Promise<void> {
  const items = await withTokens(options, async (tokens) => tokens.list());
  await context.list({
    items,
    cells: (token) => ({ name: token.name, grants: shown(token) }),
    json: (token) => token,
  });
}

async function revoke(context: Context, name: string, options: CreateOptions): Promise<void> {
  await withTokens(options, (tokens) => tokens.revoke(name, metadataOf(options)));
  context.answer({ name, revoked: true }, `revoked the token ${name}`);
}

async function withTokens<T>(
  { serverData }: DirectoryOptions,
  work: (tokens: Tokens) => Promise<T>,
): Promise<T> {
  const tokens = await Tokens.open(serverData, new NodeFiles()).catch((error: unknown) => {
    if (!isTidemarkError(error, 'LOCKED')) throw error;
    const how = 'the service runs: use its /tokens, as an administrator';
    throw new TidemarkError('LOCKED', how, error.data, error);
  });
  try {
    return await work(tokens);
  } finally {
    await tokens.close();
  }
}

function shown({ grants }: TokenInfo): string {
  return grants
    .map(
      ({ instance, role }) =>
        `${role} ${instance === EVERYWHERE ? 'everywhere' : `on ${instance}`}`,
    )
    .join(', ');
}

function more(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}
