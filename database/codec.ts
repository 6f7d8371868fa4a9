/**
 * The codec of a database: how the values of its key space, and its documents, are written. It is
 * recorded in the catalog with the first of them, and stays.
 */
import { RowForm, type ValueForm } from '../storage/index.ts';

export const Codec = { raw: 'raw', json: 'json', bson: 'bson' } as const;
export type Codec = (typeof Codec)[keyof typeof Codec];

/** How values under keys are written. */
export function valueFormOf(codec: Codec): ValueForm {
  switch (codec) {
    case Codec.raw:
      return RowForm.rawValue;
    case Codec.bson:
      return RowForm.bsonValue;
    default:
      return RowForm.jsonValue;
  }
}

/** How documents are written: bytes alone can hold none, so a `raw` database keeps them as JSON. */
export function documentFormOf(codec: Codec): RowForm {
  return codec === Codec.bson ? RowForm.bson : RowForm.json;
}

export function isCodec(value: unknown): value is Codec {
  return value === Codec.raw || value === Codec.json || value === Codec.bson;
}
