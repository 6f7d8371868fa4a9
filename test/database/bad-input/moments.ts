import { type BadInput, wrong } from './bad-input.ts';

export const BAD_MOMENTS: Readonly<Record<string, BadInput>> = {
  'a time that is none': {
    code: 'TIME_MALFORMED',
    says: /cannot read "yesterday" as a time; allowed: ISO-8601 with an offset/,
    run: ({ database }) => database.asOf('yesterday'),
  },
  'a day that is none': {
    code: 'TIME_MALFORMED',
    says: /2026-02-30/,
    run: ({ database }) => database.asOf('2026-02-30T00:00:00Z'),
  },
  'a fraction of a microsecond': {
    code: 'TIME_MALFORMED',
    says: /1.5/,
    run: ({ database }) => database.log.positionAt(1.5),
  },
  'no time': {
    code: 'TIME_MALFORMED',
    says: /allowed: ISO-8601/,
    run: ({ database }) => database.asOf(wrong(null)),
  },
  'a time without a zone': {
    code: 'TIME_WITHOUT_ZONE',
    says: /"2026-03-01T00:00:00" has no zone; allowed: ISO-8601 with an offset/,
    run: ({ database }) => database.diff('2026-03-01T00:00:00', '2026-03-02T00:00:00Z'),
  },
  'a log since a time without a zone': {
    code: 'TIME_WITHOUT_ZONE',
    says: /has no zone/,
    run: ({ database }) => database.log.read({ since: '2026-03-01' }),
  },
  'a time before 1970': {
    code: 'TIME_OUT_OF_RANGE',
    says: /allowed: 1970-01-01T00:00:00Z to 2255/,
    run: ({ database }) => database.asOf('1969-12-31T23:59:59Z'),
  },
  'a moment by both time and position': {
    code: 'ARGUMENT_INVALID',
    says: /a moment is a time, \{time\} or \{position\}/,
    run: ({ database }) => database.asOf(wrong({ time: 1, position: 1 })),
  },
  'a position past the head': {
    code: 'POSITION_AHEAD',
    says: /position 1000 lies past the head; allowed: 0 to \d+ \(2/,
    run: ({ database }) => database.asOf({ position: 1000 }),
  },
  'a negative position': {
    code: 'POSITION_INVALID',
    says: /-1 is no position; allowed: whole numbers from 0 to \d+/,
    run: ({ database }) => database.asOf({ position: -1 }),
  },
  'half a position': {
    code: 'POSITION_INVALID',
    says: /1.5 is no position/,
    run: ({ database }) => database.diff({ position: 1.5 }, { position: 2 }),
  },
  'the time of position 0': {
    code: 'POSITION_INVALID',
    says: /allowed: whole numbers from 1/,
    run: ({ database }) => database.log.timeOf(0),
  },
  'a follower from far ahead': {
    code: 'POSITION_AHEAD',
    says: /position 1000 lies past the head; allowed: up to/,
    run: ({ database }) => database.log.follow({ from: 1000 }),
  },
  'a log from a position that is none': {
    code: 'POSITION_INVALID',
    says: /NaN is no position/,
    run: ({ database }) => database.log.read({ from: Number.NaN }),
  },
  'changes of a column in insertions': {
    code: 'ARGUMENT_INVALID',
    says: /changed is about updates, and op is insert; allowed: one of them, or op update/,
    run: ({ database }) => database.log.read({ changed: 'total', op: 'insert' }),
  },
  'changes of a column that is no name': {
    code: 'ARGUMENT_INVALID',
    says: /changed is the name of a column/,
    run: ({ database }) => database.log.read({ changed: wrong(7) }),
  },
};
