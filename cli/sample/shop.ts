import type { JsonObject } from '../../base/index.ts';

/** A small shop for the demonstration: prices in cents, as money should be. */
export const PRODUCTS: readonly JsonObject[] = [
  { sku: 'LAMP-02', name: 'Desk lamp', price: 3900, stock: 14 },
  { sku: 'CHAIR-7', name: 'Oak chair', price: 12900, stock: 6 },
  { sku: 'DESK-11', name: 'Standing desk', price: 48900, stock: 3 },
  { sku: 'SHELF-4', name: 'Wall shelf', price: 5900, stock: 21 },
  { sku: 'STOOL-1', name: 'Step stool', price: 2400, stock: 9 },
];

export const ORDERS: readonly JsonObject[] = [
  { id: 1001, customer: 'Ines', sku: 'DESK-11', pieces: 1, total: 48900, state: 'paid' },
  { id: 1002, customer: 'Jonas', sku: 'CHAIR-7', pieces: 4, total: 51600, state: 'open' },
  { id: 1003, customer: 'Mira', sku: 'LAMP-02', pieces: 2, total: 7800, state: 'open' },
  { id: 1004, customer: 'Theo', sku: 'SHELF-4', pieces: 3, total: 17700, state: 'paid' },
];

export const PRODUCT_SCHEMA: JsonObject = {
  type: 'object',
  properties: {
    sku: { type: 'string' },
    name: { type: 'string' },
    price: { type: 'integer', minimum: 0 },
    stock: { type: 'integer', minimum: 0 },
  },
  required: ['sku', 'name', 'price', 'stock'],
};

export const ORDER_SCHEMA: JsonObject = {
  type: 'object',
  properties: {
    id: { type: 'integer' },
    customer: { type: 'string' },
    sku: { type: 'string' },
    pieces: { type: 'integer', minimum: 1 },
    total: { type: 'integer', minimum: 0 },
    state: { enum: ['open', 'paid', 'sent', 'cancelled'] },
  },
  required: ['id', 'customer', 'sku', 'pieces', 'total', 'state'],
};
