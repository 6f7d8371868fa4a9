export type { ServiceConfiguration } from './configuration.ts';
export { type ConfigurationSources, loadConfiguration } from './configuration-file.ts';
export { type Service, type ServiceOptions, startService } from './service.ts';
