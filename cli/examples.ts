/**
 * An example or more of each command: shown by `--help`, written into the reference, and run by a
 * test, one after another in this order on one store, as far as a command ends by itself.
 */
export interface Example {
  /** The command with its subcommand, as in `snapshot take`. */
  readonly command: string;
  /** What is typed behind `tidemark`, as in the shell. */
  readonly words: string;
  readonly says: string;
  /** False where it needs what the store of the examples does not have, or does not end. */
  readonly isRun?: boolean;
}

function example(command: string, rest: string, says: string, isRun = true): Example {
  return { command, words: `${command} ${rest}`.trim(), says, isRun };
}

export const EXAMPLES: readonly Example[] = [
  example('init', '', 'an empty store in data/default'),
  example('create-table', 'customers --key id', 'keys are texts, under the column id'),
  example('create-table', 'orders --key id --key-type integer', 'keys are whole numbers'),
  example('tables', '', 'all tables, and how they are declared'),
  example('insert', `customers '{"id": "ana", "city": "Porto"}' --actor web`, 'a new row'),
  example(
    'put',
    `orders '{"id": 7, "customer": "ana", "total": 30}'`,
    'a row, new or in the place of another',
  ),
  example(
    'put',
    `orders '{"id": 7, "customer": "ana", "total": 35}' --reason "one more"`,
    'and why, for the log',
  ),
  example(
    'update',
    `customers ana '{"city": "Recife"}' --expected-version 1`,
    'only if nobody else changed it',
  ),
  example('get', 'customers ana', 'one row, as it is'),
  example('get', 'customers ana --at-position 3', 'and as it was'),
  example('scan', 'orders --from 5 --limit 10 --reverse', 'rows in order of their keys'),
  example('count', 'orders', 'how many rows there are'),
  example(
    'find',
    `customers --where '{"city": "Recife"}' --allow-scan`,
    'rows that fit, without an index',
  ),
  example('history', 'customers ana', 'every version of a row'),
  example('blame', 'customers ana', 'who set which column'),
  example('log', '--table orders --op update', 'changes of one kind'),
  example('log', '--follow --json', 'what is committed from now on', false),
  example('diff', '3 6', 'what changed between two positions'),
  example(
    'delete',
    'orders 7 --actor ben --reason "paid twice"',
    'gone from now on, not from the past',
  ),
  example('restore-rows', 'orders 7 --to 6 --preview', 'what bringing it back would change'),
  example('restore-rows', 'orders 7 --to 6', 'and bring it back'),
  example('undo', '8 --preview', 'what taking a commit back would change'),
  example('undo', '8 --overwrite', 'and take it back'),
  example('export', 'customers --format csv --output customers.csv', 'a table into a file'),
  example('export', 'customers --history --output customers.ndjson', 'with its whole past'),
  example('import', 'customers.csv --table people --key id', 'a file into a table'),
  example(
    'import',
    '--history customers.ndjson --table kept --key id',
    'a past with its own times',
    false,
  ),
  example('alter-table', 'people --schema people.json', 'rows must fit it from now on', false),
  example('drop-table', 'people', 'its past stays readable'),
  example('index create', 'by_city customers city --type equality', 'built from the whole log'),
  example('index list', '', 'what there is'),
  example('find', `customers --where '{"city": "Recife"}'`, 'now an index answers'),
  example('index check', 'by_city', 'hold it against the log'),
  example('index rebuild', 'by_city', 'the old one serves meanwhile'),
  example('index drop', 'by_city', 'the rows stay'),
  example('keys set', `color '"green"' --actor ana`, 'any JSON under a key'),
  example('keys batch', 'a=1 b=[2]', 'several, all or none'),
  example('keys get', 'color', 'what is there'),
  example('keys scan', '--prefix co --keys-only', 'keys in order'),
  example('keys search', 'ol', 'keys that contain a text'),
  example('keys count', '', 'how many there are'),
  example('keys delete', 'color', 'its past stays readable'),
  example('keys history', 'color', 'every version'),
  example('collection create', 'notes', 'documents without a schema'),
  example(
    'collection insert',
    `notes '{"_id": "n1", "text": "hello"}'`,
    'under its _id, or one it is given',
  ),
  example('collection update', `notes n1 '{"text": "bye"}'`, 'merge a patch'),
  example('collection replace', `notes n1 '{"text": "again"}'`, 'in the place of another'),
  example('collection delete', 'notes n1', 'its past stays readable'),
  example('collection list', '', 'what there is'),
  example('snapshot', 'take', 'reading the past is faster near one'),
  example('snapshot take', '', 'the same'),
  example('snapshot list', '', 'what there is'),
  example('snapshot release', 'snapshot-0000000000000012', 'nothing but speed is lost', false),
  example('verify', '', 'every byte against the log'),
  example('compact', '', 'merge what can be merged'),
  example('stats', '', 'figures of the store'),
  example('inspect', 'data/default/CURRENT', 'what a file holds'),
  example('backup', '--output full.tar.gz', 'all of the store in one file'),
  example('backup', '--output next.tar.gz --base full.tar.gz', 'what came since'),
  example('backup verify', 'full.tar.gz next.tar.gz', 'read without restoring'),
  example(
    'restore',
    '--input full.tar.gz next.tar.gz --to 6 --data data/then',
    'a store as of a moment',
  ),
  example('repair', '', 'make damaged tables again from the log'),
  example('tokens', 'create ana --role writer --instance app', 'who may call the service'),
  example('tokens create', 'ops --role admin', 'everywhere'),
  example('tokens list', '', 'who there is'),
  example('tokens revoke', 'ana --reason "left the team"', 'opens nothing any more'),
  example('serve', '--port 8080', 'the store over HTTP', false),
  example('serve', '--config tidemark.toml', 'several stores, as a file says', false),
  example('shell', '', 'commands one after another', false),
  example('demo', '', 'what all this is about', false),
  example('completion', 'bash > /etc/bash_completion.d/tidemark', 'Tab completes commands', false),
  example('completion', 'zsh', 'the same for zsh'),
  example('reference', '', 'all of this as one page'),
];

/** Of a command by its full name. */
export function examplesOf(command: string): readonly Example[] {
  return EXAMPLES.filter((each) => each.command === command);
}
