import { describe, expect, it } from 'vitest';
import {
  AssertionError,
  assert,
  corruption,
  ioError,
  isTidemarkError,
  TidemarkError,
} from '../../base/index.ts';

describe('TidemarkError', () => {
  it('carries code, message, facts and cause, and shows the first three as JSON', () => {
    const cause = new RangeError('below');
    const error = new TidemarkError('KEY_TOO_LARGE', 'a key of 9 bytes', { bytes: 9 }, cause);
    expect(error).toBeInstanceOf(Error);
    expect(error.cause).toBe(cause);
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      code: 'KEY_TOO_LARGE',
      message: 'a key of 9 bytes',
      data: { bytes: 9 },
    });
    expect(Object.hasOwn(new TidemarkError('CLOSED', 'closed'), 'cause')).toBe(false);
  });

  it('is told by its code, and from every other error', () => {
    const error = new TidemarkError('CLOSED', 'closed');
    expect(isTidemarkError(error)).toBe(true);
    expect(isTidemarkError(error, 'CLOSED')).toBe(true);
    expect(isTidemarkError(error, 'LOCKED')).toBe(false);
    expect(isTidemarkError(Object.assign(new RangeError('x'), { code: 'CLOSED' }))).toBe(false);
    expect(isTidemarkError('CLOSED')).toBe(false);
  });

  it('names file, offset, reason and what is affected when bytes are damaged', () => {
    const error = corruption('sst/000001.sst', 4096, 'the checksum does not hold', 'rows a to b');
    expect(error.code).toBe('CORRUPTION');
    expect(error.message).toBe(
      'sst/000001.sst at offset 4096: the checksum does not hold; affected: rows a to b',
    );
    expect(error.data).toEqual({
      file: 'sst/000001.sst',
      offset: 4096,
      reason: 'the checksum does not hold',
      affected: 'rows a to b',
    });
    expect(corruption('x', 0, 'torn').data).toEqual({ file: 'x', offset: 0, reason: 'torn' });
  });
});

describe('ioError', () => {
  const errno = (code: string) => Object.assign(new RangeError(code), { code });

  it('tells a full disk from other failures, and keeps the cause', () => {
    for (const [code, expected] of [
      ['ENOSPC', 'DISK_FULL'],
      ['EDQUOT', 'DISK_FULL'],
      ['EIO', 'IO_FAILED'],
      ['ENOENT', 'IO_FAILED'],
    ] as const) {
      const cause = errno(code);
      expect(ioError(cause, 'write', 'a.log')).toMatchObject({
        code: expected,
        data: { operation: 'write', file: 'a.log', errno: code },
        cause,
      });
    }
  });

  it('passes on what is no error of the file system', () => {
    const coded = new TidemarkError('LOCKED', 'locked');
    const ours = new AssertionError('invariant 1');
    for (const error of [coded, ours, 'text', undefined]) {
      expect(ioError(error, 'write', 'a.log')).toBe(error);
    }
  });
});

describe('assert', () => {
  it('throws an AssertionError that names the invariant, and only if it does not hold', () => {
    assert(true, 'invariant 1');
    expect(() => assert(false, 'invariant 2')).toThrow(new AssertionError('invariant 2'));
  });
});
