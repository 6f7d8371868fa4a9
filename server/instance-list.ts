/**
 * The instances that were made at run time, beside their directories: one JSON file, replaced whole
 * and durably. `{"version": 1, "instances": [{"name": …, settings …}]}`, the settings as in a
 * configuration file.
 */
import { join } from 'node:path';
import {
  corruption,
  type Files,
  isPlainObject,
  makeDirectory,
  replaceFile,
  TidemarkError,
} from '../base/index.ts';
import { INSTANCE_SETTINGS, type InstanceValues } from './configuration.ts';
import { checkValues } from './configuration-file.ts';
import { checkInstanceName } from './instance-name.ts';

export type NamedInstance = InstanceValues & { readonly name: string };

const VERSION = 1;

export class InstanceList {
  readonly #files: Files;
  readonly #directory: string;
  readonly #path: string;

  constructor(files: Files, directory: string) {
    this.#files = files;
    this.#directory = directory;
    this.#path = join(directory, 'instances.json');
  }

  /** @throws CORRUPTION, FORMAT_UNSUPPORTED */
  read(): NamedInstance[] {
    if (!this.#files.exists(this.#path)) return [];
    const list = parsed(this.#files.readFile(this.#path).toString('utf8'));
    if (list?.version !== undefined && list.version !== VERSION) {
      throw new TidemarkError(
        'FORMAT_UNSUPPORTED',
        `${this.#path} has version ${String(list.version)}; this release reads ${VERSION}`,
        { file: this.#path },
      );
    }
    const { instances } = list ?? {};
    if (!Array.isArray(instances)) throw corruption(this.#path, 0, 'it is no list of instances');
    return instances.map((each: unknown) => namedInstance(each, () => this.#path));
  }

  async write(instances: readonly NamedInstance[]): Promise<void> {
    await makeDirectory(this.#files, this.#directory);
    const text = `${JSON.stringify({ version: VERSION, instances }, undefined, 2)}\n`;
    await replaceFile(this.#files, this.#path, Buffer.from(text));
  }
}

/** @throws CONFIGURATION_INVALID, INSTANCE_NAME_INVALID */
export function namedInstance(given: unknown, where: (name: string) => string): NamedInstance {
  const values = checkValues(INSTANCE_SETTINGS, given, where);
  const { name } = values;
  checkInstanceName(name);
  return { ...values, name };
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isPlainObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
