/** What the store needs of a logger: pino fits as it is. Fields first, then the words. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

function ignore(): void {}

/** Says nothing: the default of an embedded store. */
export const silentLogger: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
