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

  constructor(context: Context) {
    this.#context = context;
  }

  title(text: string): void {
    this.#context.heading(text);
    this.#context.output.line('─'.repeat(WIDTH));
  }

  chapter(text: string): void {
    this.#chapters++;
    this.#context.output.line('');
    this.#context.heading(`${this.#chapters}. ${text}`);
  }

  say(text: string): void {
    this.#context.output.line('');
    this.#context.output.line(text);
  }

  command(text: string): void {
    this.#context.output.line(`${INDENT}${text}`);
  }

  /** @param before what the call's result is given to, as in `const db =`. */
  async run<T>(before: string, call: () => T | Promise<T>): Promise<T> {
    const lines = sourceOf(call).split('\n');
    const [first = '', ...others] = lines;
    this.#context.output.line(`${INDENT}> ${[before, first].filter(Boolean).join(' ')}`);
    for (const line of others) this.#context.output.line(`${INDENT}  ${line}`);
    return await call();
  }

  answer(text: string): void {
    this.#context.output.line(`${INDENT}  ${text}`);
  }

  table(rows: Iterable<Cells>): void {
    const all = [...rows];
    const indent = `${INDENT}  `;
    const layout = layOutTable(all, WIDTH - indent.length);
    this.#context.output.line('');
    for (const line of [tableHead(layout), ...all.map((row) => tableLine(layout, row))]) {
      this.#context.output.line(indent + line);
    }
    this.#context.output.line('');
  }
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
