/**
 * Who may call the service. Tokens are rows of a database of the service's own, so that who made
 * and revoked them, and when, stays in its log for ever. Only hashes are kept: a token is 32 random
 * bytes, which nobody finds by trying, so a plain SHA-256 is enough.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import {
  type Files,
  isPlainObject,
  isTidemarkError,
  type JsonObject,
  type JsonValue,
  TidemarkError,
} from '../base/index.ts';
import { Database, type WriteOptions } from '../database/index.ts';
import { checkGrants, type Grant, ROLES } from './roles.ts';

/** Beside the instances' directories; no instance can have this name. */
export const SYSTEM_DIRECTORY = 'system';

const TABLE = 'tokens';
const PREFIX = 'tmk_';
const TOKEN_BYTES = 32;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;
const TOKENS_MAX = 10_000;
/** Held against where no hash is known, so that both cases take the same steps. */
const NO_HASH = Buffer.alloc(32);

export interface TokenInfo {
  readonly name: string;
  readonly grants: readonly Grant[];
}

interface KnownToken extends TokenInfo {
  readonly hash: Buffer;
}

const SCHEMA = {
  type: 'object',
  required: ['name', 'hash', 'grants'],
  additionalProperties: false,
  properties: {
    name: { type: 'string' },
    hash: { type: 'string', pattern: '^[0-9a-f]{64}$' },
    grants: {
      type: 'array',
      items: {
        type: 'object',
        required: ['instance', 'role'],
        additionalProperties: false,
        properties: { instance: { type: 'string' }, role: { type: 'string' } },
      },
    },
  },
};

export class Tokens {
  readonly #database: Database;
  /** By hash, in hex. */
  readonly #known = new Map<string, KnownToken>();

  private constructor(database: Database) {
    this.#database = database;
    this.#load();
  }

  /** @throws LOCKED if another process has them open, and what opening a database throws */
  static async open(dataDirectory: string, files: Files): Promise<Tokens> {
    const directory = join(dataDirectory, SYSTEM_DIRECTORY);
    const database = await Database.open(directory, { files });
    try {
      await database.createTable(TABLE, { primaryKey: 'name', schema: SCHEMA });
    } catch (error) {
      if (!isTidemarkError(error, 'TABLE_EXISTS')) {
        await database.close();
        throw error;
      }
    }
    return new Tokens(database);
  }

  /** In order of their names. */
  list(): TokenInfo[] {
    return [...this.#known.values()]
      .map(({ name, grants }) => ({ name, grants }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Gives the token, which nobody can be told again. @throws TOKEN_EXISTS, TOKEN_INVALID, OVERLOADED */
  async create(name: string, grants: readonly Grant[], by: WriteOptions = {}): Promise<string> {
    checkName(name);
    checkGrants(grants);
    if (this.#known.size >= TOKENS_MAX) {
      const most = `there are ${this.#known.size} tokens; allowed: ${TOKENS_MAX}`;
      throw new TidemarkError('OVERLOADED', most, { limit: TOKENS_MAX });
    }
    const token = PREFIX + randomBytes(TOKEN_BYTES).toString('base64url');
    const row = { name, hash: hashOf(token).toString('hex'), grants: grants.map(toRow) };
    try {
      await this.#database.table(TABLE).insert(row, by);
    } catch (error) {
      if (!isTidemarkError(error, 'ROW_EXISTS')) throw error;
      throw new TidemarkError('TOKEN_EXISTS', `there is a token ${name} already`, { name });
    }
    this.#load();
    return token;
  }

  /** From now on it opens nothing. @throws TOKEN_UNKNOWN */
  async revoke(name: string, by: WriteOptions = {}): Promise<void> {
    try {
      await this.#database.table(TABLE).delete(name, by);
    } catch (error) {
      if (!isTidemarkError(error, 'ROW_NOT_FOUND')) throw error;
      const shown = JSON.stringify(name.slice(0, 64));
      throw new TidemarkError('TOKEN_UNKNOWN', `there is no token ${shown}`);
    }
    this.#load();
  }

  /** Whose token it is; undefined if it is nobody's. */
  ownerOf(token: string): TokenInfo | undefined {
    const hash = hashOf(token);
    const known = this.#known.get(hash.toString('hex'));
    return timingSafeEqual(hash, known?.hash ?? NO_HASH) ? known : undefined;
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  #load(): void {
    this.#known.clear();
    for (const row of this.#database.table(TABLE).scan()) {
      const token = tokenOf(row);
      this.#known.set(token.hash.toString('hex'), token);
    }
  }
}

/** The schema of the table says what a row has. */
function tokenOf({ name, hash, grants }: JsonObject): KnownToken {
  return {
    name: String(name),
    hash: Buffer.from(String(hash), 'hex'),
    grants: grantsOf(grants),
  };
}

/** A role that this release does not know opens nothing. */
function grantsOf(grants: JsonValue | undefined): Grant[] {
  if (!Array.isArray(grants)) return [];
  return grants.flatMap((grant) => {
    if (!isPlainObject(grant)) return [];
    const role = ROLES.find((each) => each === grant.role);
    return role === undefined ? [] : [{ instance: String(grant.instance), role }];
  });
}

function toRow({ instance, role }: Grant): JsonObject {
  return { instance, role };
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** @throws TOKEN_INVALID */
function checkName(name: string): void {
  if (NAME.test(name)) return;
  throw new TidemarkError(
    'TOKEN_INVALID',
    `${JSON.stringify(name.slice(0, 64))} is no name of a token; allowed: letters, digits, ".", "_", "@", "-", starting with a letter or digit, at most 64`,
  );
}
