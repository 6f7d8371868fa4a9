import { describe, expect, it } from 'vitest';
import { ERRORS, type ErrorCode, TidemarkError } from '../../base/index.ts';
import { problemOf, STATUS_OF_ERROR } from '../../server/problem.ts';

describe('a problem', () => {
  it('has a status for every code, and for no other', () => {
    expect(Object.keys(STATUS_OF_ERROR).sort()).toEqual(Object.keys(ERRORS).sort());
    for (const status of Object.values(STATUS_OF_ERROR)) {
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(600);
    }
  });

  it('says what was wrong, with the facts', () => {
    const error = new TidemarkError('ROW_NOT_FOUND', 'there is no row 7', { key: 7 });
    expect(problemOf(error, 'r1')).toEqual({
      type: 'urn:tidemark:error:row-not-found',
      title: ERRORS.ROW_NOT_FOUND,
      status: 404,
      code: 'ROW_NOT_FOUND',
      detail: 'there is no row 7',
      requestId: 'r1',
      data: { key: 7 },
    });
  });

  it('keeps files, processes and mistakes of ours to itself', () => {
    const path = '/srv/secret/data';
    const codes: ErrorCode[] = ['CORRUPTION', 'IO_FAILED', 'LOCKED', 'DIRECTORY_FOREIGN'];
    for (const code of codes) {
      const problem = problemOf(new TidemarkError(code, `in ${path}`, { file: path }), 'r2');
      expect(problem.code).toBe(code);
      expect(JSON.stringify(problem)).not.toContain(path);
    }
    const ours = problemOf(new RangeError(`bad ${path}`), 'r3');
    expect(ours).toMatchObject({ status: 500, type: 'about:blank', requestId: 'r3' });
    expect(JSON.stringify(ours)).not.toContain(path);
  });
});
