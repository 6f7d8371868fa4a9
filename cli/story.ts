import type { Context } from './context.ts';
import { type Cells, layOutTable, tableHead, tableLine } from './table-layout.ts';

const WIDTH = 80;
const INDENT = '   ';

/**
 * Tells what a program does while it does it. The call that is shown is the source text of the
 * function that runs, so the two cannot differ.
 */
export class Story {
  readonly #context: Context;
  #chapters = 0;
  #afterGap = false;

  constructor(context: Context) {
    this.#context = context;
  }

  title(text: string): void {
    this.#context.heading(text);
    this.#line('─'.repeat(WIDTH));
  }

  chapter(text: string): void {
    this.#chapters++;
    this.#gap();
    this.#context.heading(`${this.#chapters}. ${text}`);
    this.#afterGap = false;
  }

  say(text: string): void {
    this.#gap();
    this.#line(text);
  }

  command(text: string): void {
    this.#line(`${INDENT}${text}`);
  }

  /** @param before what the call's result is given to, as in `const db =`. */
  async run<T>(before: string, call: () => T | Promise<T>): Promise<T> {
    const result = call();
    const waits = result instanceof Promise ? 'await' : '';
    const [first = '', ...others] = sourceOf(call).split('\n');
    this.#line(`${INDENT}> ${[before, waits, first].filter(Boolean).join(' ')}`);
    for (const line of others) this.#line(`${INDENT}  ${line}`);
    return await result;
  }

  answer(text: string): void {
    this.#line(`${INDENT}  ${text}`);
  }

  /** @param first columns that come before the others. */
  table(rows: Iterable<Cells>, ...first: readonly string[]): void {
    const all = [...rows].map((row) => inOrder(row, first));
    const indent = `${INDENT}  `;
    const layout = layOutTable(all, WIDTH - indent.length);
    this.#gap();
    for (const line of [tableHead(layout), ...all.map((row) => tableLine(layout, row))]) {
      this.#line(indent + line);
    }
    this.#gap();
  }

  #line(text: string): void {
    this.#context.output.line(text);
    this.#afterGap = text === '';
  }

  #gap(): void {
    if (!this.#afterGap) this.#line('');
  }
}

function inOrder(row: Cells, first: readonly string[]): Cells {
  return { ...Object.fromEntries(first.map((name) => [name, row[name]])), ...row };
}

/** The body of an arrow function, with the indentation of where it stood taken off. */
function sourceOf(call: () => unknown): string {
  const text = call.toString().replace(/^(async )?\(\) =>\s*/, '');
  const [, ...others] = text.split('\n');
  const indents = others.filter((line) => line.trim() !== '').map((line) => line.search(/\S/));
  const common = indents.length === 0 ? 0 : Math.min(...indents);
  return text
    .split('\n')
    .map((line, index) => (index === 0 ? line : line.slice(common)))
    .join('\n');
}
