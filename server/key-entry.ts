/** An entry of the key space as answers show it. */
import type { KeyValue } from '../database/index.ts';
import { shownValue } from './shown-value.ts';

export const anyValue = {
  description: 'A value as the codec has it; bytes as `{"$base64": …}`.',
} as const;

export const keyEntry = {
  type: 'object',
  properties: {
    key: { type: 'string' },
    value: anyValue,
    version: { type: 'integer' },
    position: { type: 'integer' },
    time: { type: 'string', format: 'date-time' },
  },
} as const;

export function shownEntry<T extends { readonly value?: KeyValue }>(each: T): object {
  return each.value === undefined ? each : { ...each, value: shownValue(each.value) };
}
