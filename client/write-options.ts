/** Who, why and once: what a change carries beside itself. */
import type { Row } from './wire.ts';

export interface WriteOptions {
  /** Counts only where the service does not ask who calls. */
  readonly actor?: string | undefined;
  readonly reason?: string | undefined;
  readonly correlationId?: string | undefined;
  /** Of transactions only. */
  readonly fields?: Row | undefined;
  /** Makes the change happen once, however often it is sent. Default: a new one for each call. */
  readonly idempotencyKey?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Options of a change: what must be there, and who, why and once. */
export interface ChangeOptions extends WriteOptions {
  /** The version that must be there; 0 that there must be none. */
  readonly expectedVersion?: number | undefined;
}

/** An expected version as a precondition; undefined if none is expected. */
export function matching({ expectedVersion }: ChangeOptions): Record<string, string> | undefined {
  if (expectedVersion === undefined) return undefined;
  return expectedVersion === 0 ? { 'if-none-match': '*' } : { 'if-match': `"${expectedVersion}"` };
}

export function writeHeaders(options: WriteOptions): Record<string, string | undefined> {
  const { actor, reason, correlationId, idempotencyKey = newKey() } = options;
  return {
    'tidemark-actor': headerText(actor),
    'tidemark-reason': headerText(reason),
    'tidemark-correlation-id': headerText(correlationId),
    'idempotency-key': headerText(idempotencyKey),
  };
}

/** 128 random bits. Not `randomUUID`, which browsers have on secure pages only. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Headers are bytes; a string stands for them one character a byte. The service reads UTF-8. */
function headerText(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  return String.fromCharCode(...new TextEncoder().encode(text));
}
