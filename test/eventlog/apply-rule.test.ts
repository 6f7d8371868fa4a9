import { describe, expect, it } from 'vitest';
import { type Applied, judgeFrame, NOTHING_APPLIED } from '../../eventlog/apply-rule.ts';
import type { FrameHeader } from '../../eventlog/frame-format.ts';

const applied: Applied = {
  generation: 8,
  epoch: 3,
  group: 10,
  position: 100,
  hash: 'aa'.repeat(32),
  time: 1,
};

/** The frame that continues `applied`, as changed. */
function next(changes: Partial<FrameHeader> = {}): FrameHeader {
  return {
    claim: false,
    generation: 8,
    epoch: 3,
    group: 11,
    firstPosition: 101,
    commits: 1,
    events: 2,
    previousHash: applied.hash,
    hash: 'bb'.repeat(32),
    ...changes,
  };
}

const claim = { claim: true, epoch: 4, commits: 0, events: 0 };

describe('the apply rule', () => {
  const cases: [what: string, verdict: string, frame: FrameHeader, intact?: boolean][] = [
    ['the next frame', 'apply', next()],
    ['a frame whose own hash does not hold', 'void', next(), false],
    ['a frame of another generation', 'void', next({ generation: 9 })],
    ['a frame of an epoch that is over', 'void', next({ epoch: 2 })],
    ['a frame of an epoch that nobody claimed', 'void', next({ epoch: 4 })],
    ['the same frame again', 'void', next({ group: 10 })],
    ['an old frame', 'void', next({ group: 3 })],
    ['a frame from further ahead', 'gap', next({ group: 12 })],
    ['a frame from further ahead, damaged', 'gap', next({ group: 12 }), false],
    [
      'a frame from further ahead, of another generation',
      'void',
      next({ group: 12, generation: 9 }),
    ],
    ['a frame after another one', 'void', next({ previousHash: 'cc'.repeat(32) })],
    ['a frame that leaves out a position', 'void', next({ firstPosition: 102 })],
    ['a frame that gives a position twice', 'void', next({ firstPosition: 100 })],
    ['a claim of the next epoch', 'apply', next(claim)],
    ['a claim of a later epoch', 'apply', next({ ...claim, epoch: 9 })],
    ['a claim of the same epoch', 'void', next({ ...claim, epoch: 3 })],
    ['a claim of an epoch that is over', 'void', next({ ...claim, epoch: 2 })],
    ['a claim that brings commits', 'void', next({ ...claim, commits: 1, events: 1 })],
    ['a claim from further ahead', 'gap', next({ ...claim, group: 12 })],
    ['a claim after another frame', 'void', next({ ...claim, previousHash: 'cc'.repeat(32) })],
  ];
  for (const [what, verdict, frame, intact = true] of cases) {
    it(`says ${verdict} to ${what}`, () => {
      expect(judgeFrame(applied, frame, intact)).toBe(verdict);
    });
  }

  it('takes any generation for the first frame, and only the first group', () => {
    const { hash: previousHash } = NOTHING_APPLIED;
    const first = next({ ...claim, epoch: 1, group: 1, firstPosition: 1, previousHash });
    expect(judgeFrame(NOTHING_APPLIED, first, true)).toBe('apply');
    expect(judgeFrame(NOTHING_APPLIED, { ...first, group: 2 }, true)).toBe('gap');
    expect(judgeFrame(NOTHING_APPLIED, { ...first, firstPosition: 2 }, true)).toBe('void');
    expect(judgeFrame(NOTHING_APPLIED, { ...first, claim: false }, true)).toBe('void');
  });
});
