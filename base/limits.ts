/**
 * Every bound that is not an option, in one place. Going over one is a coded error. Sizes in bytes.
 */
export const KEY_BYTES_MAX = 16 * 1024;
export const VALUE_BYTES_MAX = 64 * 1024 * 1024;
export const ROW_BYTES_MAX = 16 * 1024 * 1024;
export const COMMIT_EVENTS_MAX = 1_000_000;
export const COMMIT_BYTES_MAX = 256 * 1024 * 1024;
/** Keys that a search for a part of them looks at. 0.1 s of work. */
export const SEARCH_KEYS_MAX = 100_000;
export const METADATA_BYTES_MAX = 64 * 1024;
export const TABLE_NAME_LENGTH_MAX = 128;
export const SCHEMA_BYTES_MAX = 1024 * 1024;
/** Columns of a composite index. */
export const INDEX_FIELDS_MAX = 8;
/** Different terms of one row in one index. */
export const INDEX_TERMS_MAX = 10_000;
export const INDEXES_PER_TABLE_MAX = 64;
/** One record of any log file; a longer length field is damage, not a request for memory. */
export const RECORD_BYTES_MAX = 512 * 1024 * 1024;
