export { AssertionError, assert, unreachable } from './assert.ts';
export {
  afterPrefix,
  asBuffer,
  type ByteString,
  byteStringOf,
  bytesOf,
  orderedU32,
  orderedU64,
  readOrderedU32,
  readOrderedU64,
  sharedLength,
} from './byte-string.ts';
export { ByteWriter, readU64 } from './byte-writer.ts';
export {
  canonicalJson,
  canonicalValue,
  isPlainObject,
  type JsonObject,
  type JsonValue,
} from './canonical-json.ts';
export { type Clock, systemClock } from './clock.ts';
export {
  corruption,
  ERRORS,
  type ErrorCode,
  type ErrorData,
  ioError,
  isTidemarkError,
  TidemarkError,
} from './errors.ts';
export {
  checkFileHeader,
  encodeFileHeader,
  FILE_HEADER_BYTES,
  type FileKind,
} from './file-header-format.ts';
export type { FileLock, Files, ReadableFile, WritableFile } from './files.ts';
export * as limits from './limits.ts';
export { type Logger, silentLogger } from './logger.ts';
export { makeDirectory } from './make-directory.ts';
export { NodeFiles } from './node-files.ts';
export { packageVersion } from './package-version.ts';
export {
  encodeRecord,
  RECORD_HEADER_BYTES,
  RecordState,
  recordAt,
  sealRecord,
} from './record-format.ts';
export { removeTree } from './remove-tree.ts';
export { replaceFile } from './replace-file.ts';
export { SlicePace } from './slice-pace.ts';
export { formatTime, parseTime, type TimeInput } from './time.ts';
export { endOfWritten, wasWholeRecord } from './torn-record.ts';
