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
