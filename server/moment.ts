/** The moment a request reads at, and what every answer says of the moment it was read at. */
import type { FastifyReply } from 'fastify';
import { TidemarkError } from '../base/index.ts';
import type {
  Collection,
  Database,
  KeyReader,
  MomentInput,
  PastTable,
  PastView,
  RowKey,
  Table,
} from '../database/index.ts';

export interface MomentQuery {
  readonly as_of?: string;
  readonly at_position?: number;
}

/** Where an answer was read, or a commit landed. */
export interface AnsweredMoment {
  readonly position: number;
  /** UTC, ISO-8601 with microseconds. */
  readonly time: string;
  readonly provisional?: boolean;
}

/** What the present and the past have in common. */
export interface Reading {
  tables(): ReturnType<PastView['tables']>;
  table(name: string): TableReading;
  readonly keys: KeyReader;
  collections(): ReturnType<PastView['collections']>;
  collection(name: string): DocumentReading;
}

type DocumentReading = Pick<
  Collection & PastTable,
  'definition' | 'read' | 'history' | 'count' | 'find'
>;

type TableReading = Pick<
  Table & PastTable,
  'definition' | 'readJson' | 'history' | 'count' | 'find' | 'explain'
> & {
  blame(key: RowKey): ReturnType<PastTable['blame']>;
};

/** A state to read, until it is closed. */
export interface OpenReading {
  readonly reading: Reading;
  readonly moment: AnsweredMoment;
  close(): void;
}

export const momentParameters = {
  as_of: {
    type: 'string',
    description:
      'Read as of this time, inclusive: ISO-8601 with an offset, or epoch microseconds. Not with `at_position`.',
  },
  at_position: {
    type: 'integer',
    minimum: 0,
    description: 'Read as of this position of the log, inclusive. Not with `as_of`.',
  },
} as const;

/** Undefined for the present. @throws ARGUMENT_INVALID if both are given */
export function momentOf({ as_of, at_position }: MomentQuery): MomentInput | undefined {
  if (at_position === undefined) return as_of;
  if (as_of === undefined) return { position: at_position };
  throw new TidemarkError('ARGUMENT_INVALID', 'allowed: as_of or at_position, not both');
}

/** The present is read without a view of its own: use it within one synchronous run. */
export function openReading(database: Database, moment: MomentInput | undefined): OpenReading {
  if (moment === undefined) {
    return { reading: database, moment: database.log.head, close() {} };
  }
  const view = database.asOf(moment);
  return { reading: view, moment: view, close: () => view.close() };
}

/** Reads in one synchronous run, and says in the answer's headers at which moment. */
export function readAt<T>(
  database: Database,
  query: MomentQuery,
  reply: FastifyReply,
  read: (reading: Reading) => T,
): T {
  const { reading, moment, close } = openReading(database, momentOf(query));
  try {
    setMoment(reply, moment);
    return read(reading);
  } finally {
    close();
  }
}

export function setMoment(reply: FastifyReply, moment: AnsweredMoment): void {
  reply.header('tidemark-position', moment.position);
  reply.header('tidemark-time', moment.time);
  if (moment.provisional === true) reply.header('tidemark-provisional', 'true');
}
