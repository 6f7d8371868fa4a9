/** What a service is started with: every setting there, checked, whatever it came from. */
import { dirname } from 'node:path';
import type { DatabaseOptions } from '../database/index.ts';
import { DEFAULT_INSTANCE } from './instance-name.ts';

export interface InstanceConfiguration {
  readonly name: string;
  readonly directory: string;
  readonly options: DatabaseOptions;
}

export interface ServerConfiguration {
  readonly host: string;
  /** 0 takes any that is free. */
  readonly port: number;
}

export interface ServiceConfiguration {
  readonly server: ServerConfiguration;
  /** Where instances that are made at run time get their directories. */
  readonly dataDirectory: string;
  readonly instances: readonly InstanceConfiguration[];
}

/** Without a configuration there is one instance. */
export function standardConfiguration(directory: string): ServiceConfiguration {
  return {
    server: { host: '127.0.0.1', port: 7654 },
    dataDirectory: dirname(directory),
    instances: [{ name: DEFAULT_INSTANCE, directory, options: {} }],
  };
}
