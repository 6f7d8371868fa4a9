import type { Command } from 'commander';
import type { ChangeOutcome, Codec, Collection } from '../../database/index.ts';
import {
  codecOption,
  countArgument,
  type MetadataOptions,
  type MomentOptions,
  metadataOf,
  momentOf,
  rowArgument,
  withMetadata,
  withMoment,
} from '../arguments.ts';
import type { Context, ContextOf } from '../context.ts';
import { counted } from '../counted.ts';
import { momentText, readAt } from '../moment.ts';
import { readSchema } from '../readers/schema-file.ts';

interface CreateOptions extends MetadataOptions {
  readonly codec?: Codec;
  readonly schema?: string;
}

interface ChangeOptions extends MetadataOptions {
  readonly expectedVersion?: number;
}

/** `collection …`: what is said of documents otherwise than of rows. */
export function addCollections(program: Command, contextOf: ContextOf): void {
  const collection = program
    .command('collection')
    .description('documents under their _id; get, scan, count, find and history work on them, too');
  withMetadata(collection.command('create'))
    .description('make a collection')
    .argument('<name>')
    .option('--schema <file>', 'a JSON Schema that every document must fit')
    .addOption(codecOption())
    .action((name: string, options: CreateOptions, command: Command) =>
      create(contextOf(command), name, options),
    );
  withMoment(collection.command('list'))
    .description('list the collections')
    .action((options: MomentOptions, command: Command) => list(contextOf(command), options));
  withMetadata(collection.command('insert'))
    .description('insert a document, under its _id or an id it is given')
    .argument('<collection>')
    .argument('<document>', 'a JSON object')
    .action((name: string, text: string, options: MetadataOptions, command: Command) => {
      const document = rowArgument(text);
      return change(contextOf(command), name, 'inserted', (documents) =>
        documents.insert(document, metadataOf(options)),
      );
    });
  withVersion(withMetadata(collection.command('replace')))
    .description('put a document in the place of another')
    .argument('<collection>')
    .argument('<id>')
    .argument('<document>', 'a JSON object')
    .action((name: string, id: string, text: string, options: ChangeOptions, command: Command) => {
      const document = rowArgument(text);
      return change(contextOf(command), name, 'replaced', (documents) =>
        documents.replace(id, document, changeOf(options)),
      );
    });
  withVersion(withMetadata(collection.command('update')))
    .description('merge a patch into a document: null takes a member away')
    .argument('<collection>')
    .argument('<id>')
    .argument('<patch>', 'a JSON object (RFC 7396)')
    .action((name: string, id: string, text: string, options: ChangeOptions, command: Command) => {
      const patch = rowArgument(text);
      return change(contextOf(command), name, 'updated', (documents) =>
        documents.update(id, patch, changeOf(options)),
      );
    });
  withVersion(withMetadata(collection.command('delete')))
    .description('delete a document; its past stays readable')
    .argument('<collection>')
    .argument('<id>')
    .action((name: string, id: string, options: ChangeOptions, command: Command) =>
      change(contextOf(command), name, 'deleted', (documents) =>
        documents.delete(id, changeOf(options)),
      ),
    );
}

function withVersion(command: Command): Command {
  return command.option(
    '--expected-version <n>',
    'refuse unless the document is at this version',
    countArgument,
  );
}

function changeOf(options: ChangeOptions) {
  const { expectedVersion } = options;
  return { ...metadataOf(options), ...(expectedVersion === undefined ? {} : { expectedVersion }) };
}

async function create(context: Context, name: string, options: CreateOptions): Promise<void> {
  const declaration = options.schema === undefined ? {} : { schema: readSchema(options.schema) };
  await context.withDatabase({ create: true, codec: options.codec }, async (database) => {
    const outcome = await database.createCollection(name, declaration, metadataOf(options));
    context.answer(
      { collection: name, ...outcome },
      `made collection ${name} at ${momentText(outcome)}`,
    );
  });
}

async function list(context: Context, options: MomentOptions): Promise<void> {
  await context.withDatabase({ create: false }, (database) =>
    readAt(database, momentOf(options), async (reading, moment) => {
      const rowsOf = (name: string) => reading.table(name).count();
      const shown = await context.list({
        items: reading.tables().filter(({ kind }) => kind === 'collection'),
        cells: ({ name, schema }) => ({
          collection: name,
          documents: rowsOf(name),
          schema: schema === undefined ? 'none' : 'yes',
        }),
        json: (definition) => ({
          ...definition,
          documents: rowsOf(definition.name),
          asOf: moment,
        }),
      });
      context.note(`${counted(shown, 'collection')} as of ${momentText(moment)}`);
    }),
  );
}

async function change(
  context: Context,
  name: string,
  done: string,
  work: (documents: Collection) => Promise<ChangeOutcome>,
): Promise<void> {
  await context.withDatabase({ create: false }, async (database) => {
    const outcome = await work(database.collection(name));
    const what = outcome.changed ? done : 'nothing to change in';
    context.answer(
      { collection: name, ...outcome },
      `${what} ${name} ${JSON.stringify(outcome.key)}, version ${outcome.version}, at ${momentText(outcome)}`,
    );
  });
}
