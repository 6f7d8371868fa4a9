/**
 * The table every peer keeps: orders of about 150 bytes as JSON, columns in the order people write
 * them. `amount` is made of id and version, so that a row read back says which version it is.
 */
export type Order = {
  readonly id: number;
  readonly customer: string;
  readonly status: string;
  readonly amount: number;
  readonly city: string;
  readonly placed: string;
  readonly note: string;
};

/** The columns an update sets. */
export type OrderChange = Pick<Order, 'id' | 'status' | 'amount'>;

export const ORDER_COLUMNS = [
  'id',
  'customer',
  'status',
  'amount',
  'city',
  'placed',
  'note',
] as const;

export const ORDER_SCHEMA = {
  type: 'object',
  properties: {
    id: { type: 'integer' },
    customer: { type: 'string', maxLength: 64 },
    status: { type: 'string', enum: ['open', 'paid', 'packed', 'shipped', 'returned'] },
    amount: { type: 'integer', minimum: 0 },
    city: { type: 'string' },
    placed: { type: 'string' },
    note: { type: 'string' },
  },
  required: [...ORDER_COLUMNS],
  additionalProperties: false,
} as const;

/** Versions a row may have in a benchmark, so that `amount` tells them apart. */
const VERSIONS_MAX = 1_000_000;

const STATUSES = ORDER_SCHEMA.properties.status.enum;
const CITIES = ['Rotterdam', 'Aalborg', 'Porto', 'Gdynia', 'Trieste', 'Cork', 'Nantes'];
const NOTES = [
  'please ring twice at the side door',
  'leave it with the neighbours opposite',
  'fragile: the parcel holds two lamps',
];

/** The order `id` at its `version`, from 1. */
export function orderAt(id: number, version: number): Order {
  return {
    id,
    customer: `customer-${(id * 7919) % 100_000}`,
    status: statusOf(id, version),
    amount: amountOf(id, version),
    city: CITIES[id % CITIES.length]!,
    placed: `2026-0${1 + (id % 9)}-1${id % 10}`,
    note: NOTES[id % NOTES.length]!,
  };
}

/** What makes version `version` of the one before it. */
export function changeTo(id: number, version: number): OrderChange {
  return { id, status: statusOf(id, version), amount: amountOf(id, version) };
}

export function amountOf(id: number, version: number): number {
  return id * VERSIONS_MAX + version;
}

function statusOf(id: number, version: number): string {
  return STATUSES[(id + version) % STATUSES.length]!;
}
