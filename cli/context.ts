import type { Command } from 'commander';
import { pino } from 'pino';
import type { Logger } from '../base/index.ts';
import { type Codec, Database } from '../database/index.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Output } from './output.ts';
import { type Cells, layOutTable, tableHead, tableLine } from './table-layout.ts';
import type { Terminal } from './terminal.ts';

/** Options that every command takes. */
export interface GlobalOptions {
  readonly data: string;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** False with `--no-color`. */
  readonly color: boolean;
}

/** A list that a command shows: a table for people, one JSON object a line for programs. */
export interface Listing<T> {
  readonly items: Iterable<T>;
  cells(item: T): Cells;
  json(item: T): object;
}

/** A store that is open already: commands of a shell share one. */
export interface HeldStore {
  readonly directory: string;
  readonly database: Database;
}

export interface StoreUse {
  /** Whether a store that is not there is made. Commands that only read never make one. */
  readonly create: boolean;
  readonly codec?: Codec | undefined;
}

/** Gives the context of the run, made from the global options that a command was called with. */
export type ContextOf = (command: Command) => Context;

/** Rows looked at before the widths of a table's columns are settled; the rest streams. */
const LAYOUT_ROWS = 500;
const BOLD = 1;
const DIM = 2;

/** What a command works with: the options, where to write, and the store. One for each run. */
export class Context {
  readonly terminal: Terminal;
  readonly options: GlobalOptions;
  readonly output: Output;
  /** What the program ends with if nothing fails. */
  exitCode: ExitCode = EXIT.ok;
  readonly #held: HeldStore | undefined;
  #notes: string[] = [];

  constructor(terminal: Terminal, options: GlobalOptions, output: Output, held?: HeldStore) {
    this.terminal = terminal;
    this.options = options;
    this.output = output;
    this.#held = held;
  }

  /**
   * Opens the store for `work` and closes it after, whatever comes of it; in a shell, whose store
   * stays open, it is that one.
   */
  async withDatabase<T>(use: StoreUse, work: (database: Database) => Promise<T>): Promise<T> {
    if (this.#held?.directory === this.options.data) return work(this.#held.database);
    const { create, codec } = use;
    const logger = this.#logger();
    const options = { create, logger, ...(codec === undefined ? {} : { codec }) };
    const database = await Database.open(this.options.data, options);
    let result: T;
    try {
      result = await work(database);
    } catch (error) {
      // What went wrong first is what the user needs; closing may well fail for the same reason.
      await database.close().catch(() => undefined);
      throw error;
    }
    await database.close();
    return result;
  }

  /** The answer of a command that has one: JSON for programs, `text` for people. */
  answer(json: object, text: string): void {
    this.output.line(this.options.json ? JSON.stringify(json) : text);
  }

  /** Gives the number of items shown. Stops early if nobody reads on. */
  async list<T>(listing: Listing<T>): Promise<number> {
    return this.options.json ? this.#listJson(listing) : this.#listTable(listing);
  }

  /** One thing as lines of name and value. */
  record(cells: Cells): void {
    const names = Object.keys(cells).filter((name) => cells[name] !== undefined);
    const lines = names.map((name) => ({ name, value: String(cells[name]) }));
    const layout = layOutTable(lines, undefined);
    for (const line of lines) this.output.line(tableLine(layout, line));
  }

  /** A remark for people, after the answer; programs get the same facts in the JSON. */
  note(text: string): void {
    // Nobody reads the answer on: a remark on all of it would be wrong.
    if (!this.output.isClosed) this.#notes.push(text);
  }

  /** Writes the answer so far, then the remarks on it. */
  async finish(): Promise<void> {
    await this.output.drain();
    for (const text of this.#notes) this.#remark(text);
    this.#notes = [];
  }

  heading(text: string): void {
    this.output.line(this.#styled(text, BOLD, this.terminal.stdout.isTTY === true));
  }

  async #listJson<T>(listing: Listing<T>): Promise<number> {
    let count = 0;
    for (const item of listing.items) {
      this.output.line(JSON.stringify(listing.json(item)));
      count++;
      if (this.output.isFull) await this.output.drain();
      if (this.output.isClosed) break;
    }
    return count;
  }

  async #listTable<T>(listing: Listing<T>): Promise<number> {
    const items = listing.items[Symbol.iterator]();
    const first: Cells[] = [];
    let next = items.next();
    for (; !next.done && first.length < LAYOUT_ROWS; next = items.next()) {
      first.push(listing.cells(next.value));
    }
    if (first.length === 0) return 0;
    const { isTTY, columns } = this.terminal.stdout;
    const layout = layOutTable(first, isTTY === true ? (columns ?? 80) : undefined);
    this.heading(tableHead(layout));
    const paint = this.#isColored(isTTY === true) ? paintCell : undefined;
    for (const cells of first) this.output.line(tableLine(layout, cells, paint));
    let count = first.length;
    for (; !next.done && !this.output.isClosed; next = items.next()) {
      this.output.line(tableLine(layout, listing.cells(next.value), paint));
      count++;
      if (this.output.isFull) await this.output.drain();
    }
    items.return?.();
    if (layout.hidden.length > 0) {
      this.note(`no room for ${layout.hidden.join(', ')}; --json shows everything`);
    }
    return count;
  }

  #remark(text: string): void {
    if (this.options.json || this.options.quiet) return;
    const isTerminal = this.terminal.stderr.isTTY === true;
    this.terminal.stderr.write(`${this.#styled(text, DIM, isTerminal)}\n`);
  }

  #styled(text: string, style: number, isTerminal: boolean): string {
    return this.#isColored(isTerminal) ? styled(text, style) : text;
  }

  #isColored(isTerminal: boolean): boolean {
    const { NO_COLOR = '' } = this.terminal.environment;
    return isTerminal && this.options.color && NO_COLOR === '';
  }

  #logger(): Logger {
    if (this.options.verbose) return verboseLogger(this.terminal);
    const warn = (_fields: object, message: string) =>
      this.#remark(`tidemark: warning: ${message}`);
    return { debug() {}, info() {}, warn, error: warn };
  }
}

const OPERATION_STYLES: Readonly<Record<string, number>> = { insert: 32, update: 33, delete: 31 };

/** What a change did, in the colours that version control gave it; null dim, as it is no text. */
function paintCell(column: string, value: unknown, text: string): string {
  if (value === null) return styled(text, DIM);
  const style = column === 'op' ? OPERATION_STYLES[String(value)] : undefined;
  return style === undefined ? text : styled(text, style);
}

function styled(text: string, style: number): string {
  return `\u001b[${style}m${text}\u001b[0m`;
}

function verboseLogger(terminal: Terminal): Logger {
  return pino({ level: 'debug', base: null }, terminal.stderr);
}
