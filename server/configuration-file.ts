/**
 * Where settings come from: a TOML file, the environment, flags; the later count before the
 * earlier. What is misspelt or not allowed is refused with its file and line, or its variable or
 * flag. Directories and files named in a file are relative to it.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { isTidemarkError, TidemarkError } from '../base/index.ts';
import {
  INSTANCE_SETTINGS,
  type InstanceValues,
  resolveConfiguration,
  SERVER_SETTINGS,
  type ServerValues,
  type ServiceConfiguration,
  type Values,
} from './configuration.ts';
import { checkInstanceName } from './instance-name.ts';
import { refused, type Setting } from './setting.ts';

export interface ConfigurationSources {
  /** Undefined for none. */
  readonly file?: string | undefined;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Settings of `[server]` by their names. */
  readonly flags?: Readonly<Record<string, string>>;
  /** Directory of the instance `default`, where no file names instances. */
  readonly directory?: string | undefined;
}

type Settings = Readonly<Record<string, Setting<unknown>>>;
type NamedInstance = InstanceValues & { readonly name: string };

interface FileSettings {
  readonly server: ServerValues;
  readonly instances: readonly NamedInstance[];
}

const FILE_NAMES = ['data_dir', 'indexes_file', 'tls_cert', 'tls_key'];
const TABLES = '[server] and [[instance]]';

/** @throws CONFIGURATION_INVALID, INPUT_MISSING if a file that was named cannot be read */
export function loadConfiguration(sources: ConfigurationSources): ServiceConfiguration {
  const { file, environment = {}, flags = {}, directory } = sources;
  const { server, instances } = file === undefined ? { server: {}, instances: [] } : readFile(file);
  const values: ServerValues = {
    ...server,
    ...valuesOfEnvironment(environment),
    ...valuesOfFlags(flags),
  };
  const stated =
    instances.length === 0 && directory !== undefined
      ? [{ name: 'default', data_dir: directory }]
      : instances;
  return resolveConfiguration(values, stated);
}

/** Variables that no setting is named after are another program's. */
function valuesOfEnvironment(environment: Readonly<Record<string, string | undefined>>) {
  const given: Record<string, string> = {};
  for (const name of Object.keys(SERVER_SETTINGS)) {
    const value = environment[variableOf(name)];
    if (value !== undefined && value !== '') given[name] = value;
  }
  return valuesOfTexts(given, variableOf);
}

function valuesOfFlags(flags: Readonly<Record<string, string>>) {
  return valuesOfTexts(flags, (name) => `--set ${name}`);
}

function valuesOfTexts(
  given: Readonly<Record<string, string>>,
  where: (name: string) => string,
): ServerValues {
  const settings: Settings = SERVER_SETTINGS;
  const values: Record<string, unknown> = {};
  for (const [name, written] of Object.entries(given)) {
    const setting = Object.hasOwn(settings, name) ? settings[name] : undefined;
    if (setting === undefined) {
      throw refused(where(name), 'there is no such setting', namesOf(SERVER_SETTINGS));
    }
    const value = setting.readText(written);
    if (value === undefined) {
      throw refused(where(name), `is ${JSON.stringify(written)}`, setting.allowed);
    }
    values[name] = value;
  }
  return values;
}

function variableOf(name: string): string {
  return `TIDEMARK_${name.toUpperCase()}`;
}

/** @throws CONFIGURATION_INVALID, INPUT_MISSING */
function readFile(file: string): FileSettings {
  const source = textOf(file);
  const document = documentOf(source, file);
  for (const name of Object.keys(document)) {
    if (name === 'server' || name === 'instance') continue;
    throw refused(placeOf(file, source, name, 0), `${name} is not known`, TABLES);
  }
  const at = (table: string, index: number) => (name: string) =>
    placeOf(file, source, table, index, name);
  const { server = {}, instance = [] } = document;
  if (!Array.isArray(instance)) {
    throw refused(placeOf(file, source, 'instance', 0), 'is one table', '[[instance]], for each');
  }
  const instances = instance.map((each: unknown, index) =>
    instanceOf(each, at('instance', index), file),
  );
  checkDistinct(instances, at);
  return {
    server: fromFile(checkValues(SERVER_SETTINGS, server, at('server', 0)), file),
    instances,
  };
}

function instanceOf(given: unknown, where: (name: string) => string, file: string): NamedInstance {
  const values = fromFile(checkValues(INSTANCE_SETTINGS, given, where), file);
  const { name, query, indexes_file } = values;
  if (name === undefined) throw refused(where('name'), 'is missing', 'a name');
  if (query === false && indexes_file !== undefined) {
    throw refused(where('indexes_file'), 'is given while query is false', 'one of them');
  }
  try {
    checkInstanceName(name);
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    throw new TidemarkError('CONFIGURATION_INVALID', `${where('name')}: ${error.message}`, {
      where: where('name'),
    });
  }
  return { ...values, name };
}

function checkDistinct(
  instances: readonly NamedInstance[],
  at: (table: string, index: number) => (name: string) => string,
): void {
  for (const [index, { name, data_dir }] of instances.entries()) {
    const others = instances.slice(0, index);
    if (others.some((other) => other.name === name)) {
      throw refused(at('instance', index)('name'), `there are two named ${name}`, 'one of a name');
    }
    if (data_dir !== undefined && others.some((other) => other.data_dir === data_dir)) {
      throw refused(at('instance', index)('data_dir'), 'is that of another', 'one for each');
    }
  }
}

/** Values of a table by the settings it may have. @throws CONFIGURATION_INVALID */
export function checkValues<S extends Settings>(
  settings: S,
  given: unknown,
  where: (name: string) => string,
): Values<S> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw refused(where(''), 'is not a table', namesOf(settings));
  }
  for (const [name, value] of Object.entries(given)) {
    const setting = Object.hasOwn(settings, name) ? settings[name] : undefined;
    if (setting === undefined) throw refused(where(name), 'is not known', namesOf(settings));
    if (setting.read(value) === undefined) {
      throw refused(where(name), `is ${JSON.stringify(value)}`, setting.allowed);
    }
  }
  const read = Object.entries(given).map(([name, value]) => [name, settings[name]!.read(value)]);
  return Object.fromEntries(read) as Values<S>;
}

/** Paths in a file are relative to it, wherever the service was started. */
function fromFile<T extends object>(values: T, file: string): T {
  const moved: [string, unknown][] = Object.entries(values).map(([name, value]) => [
    name,
    FILE_NAMES.includes(name) ? resolve(dirname(file), String(value)) : value,
  ]);
  return { ...values, ...Object.fromEntries(moved) };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new TidemarkError('INPUT_MISSING', `cannot read ${file}`, { file }, error);
  }
}

function documentOf(source: string, file: string): Record<string, unknown> {
  try {
    return parse(source);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const what = error.message.split('\n', 1)[0]!.replace('Invalid TOML document: ', '');
    throw refused(`${file}, line ${error.line}`, what, 'TOML 1.0');
  }
}

/** The parser does not say where a value stands; its name is looked for in its table. */
function placeOf(file: string, source: string, table: string, index: number, name = ''): string {
  const lines = source.split('\n');
  const head = new RegExp(`^\\s*\\[{1,2}\\s*"?${escaped(table)}"?\\s*\\]`);
  const heads = lines.flatMap((line, at) => (head.test(line) ? [at] : []));
  const start = heads[index] ?? lines.findIndex((line) => line.trimStart().startsWith(table));
  const ends = lines.findIndex((line, at) => at > start && /^\s*\[/.test(line));
  const own = lines.slice(start, ends === -1 ? undefined : ends);
  const within = own.findIndex((line) => new RegExp(`^\\s*"?${escaped(name)}"?\\s*=`).test(line));
  const line = Math.max(start, 0) + Math.max(within, 0) + 1;
  return `${file}, line ${line}${name === '' ? '' : `, ${name}`}`;
}

function escaped(name: string): string {
  return name.replace(/[^\w]/g, '\\$&');
}

function namesOf(settings: Settings): string {
  return Object.keys(settings).join(', ');
}
