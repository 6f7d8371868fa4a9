/**
 * A log segment: `log/NNNNNNNNNNNNNNNN.wal`, named by the group number of its first frame, 16
 * decimal digits.
 *
 * | OFFSET | SIZE | MEANING |
 * |---|---|---|
 * | 0 | 16 | file header (`base/file-header-format.ts`), magic `TDMKWAL1`, version 1 |
 * | 16 | … | frames (`frame-format.ts`), back to back |
 * | … | … | zeros up to the end of the file: space that is allocated already |
 *
 * A segment is valid if and only if its header is, its frames ascend by group from the one in its
 * name, and nothing but zeros or the torn remains of one frame that was never acknowledged follow
 * the last frame. A frame found behind such remains means damage, and so do remains that show no
 * hole (`base/torn-record.ts`).
 */
import type { FileKind } from '../base/index.ts';

export const SEGMENT_KIND: FileKind = { magic: 'TDMKWAL1', version: 1 };

export function segmentName(group: number): string {
  return `${String(group).padStart(16, '0')}.wal`;
}

/** Undefined for a name that is not a segment's. */
export function groupOfSegment(name: string): number | undefined {
  return /^\d{16}\.wal$/.test(name) ? Number(name.slice(0, 16)) : undefined;
}
