export type { ServiceConfiguration } from './configuration.ts';
export { type ConfigurationSources, loadConfiguration } from './configuration-file.ts';
export { EVERYWHERE, type Grant, ROLES, type Role } from './roles.ts';
export { type Service, type ServiceOptions, startService } from './service.ts';
export { type TokenInfo, Tokens } from './tokens.ts';
