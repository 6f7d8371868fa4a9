export { type ServiceConfiguration, standardConfiguration } from './configuration.ts';
export { type Service, type ServiceOptions, startService } from './service.ts';
