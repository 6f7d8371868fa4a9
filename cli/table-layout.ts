import { cutToWidth, printable, textWidth } from './text-width.ts';

/** One line of a table: column name to value. Absent and undefined are empty. */
export type Cells = Readonly<Record<string, unknown>>;

export interface TableLayout {
  readonly columns: readonly Column[];
  /** Columns that found no room at the given width. */
  readonly hidden: readonly string[];
  /** True if a cell that is too long is cut; otherwise it pushes what follows to the right. */
  readonly cut: boolean;
}

/** Colours the text of a cell, which keeps its width. */
export type Paint = (column: string, value: unknown, text: string) => string;

interface Column {
  readonly name: string;
  readonly width: number;
  readonly right: boolean;
}

const GAP = '  ';
/** Below this many characters a column says nothing. */
const WIDTH_MIN = 6;

/**
 * Columns in the order they first appear in `rows`, but for those that are empty in all of them;
 * each as wide as its widest cell. Where the
 * whole is wider than `widthMax`, the widest columns give way first, then the last ones are left
 * out. Without `widthMax` nothing is cut.
 */
export function layOutTable(rows: readonly Cells[], widthMax: number | undefined): TableLayout {
  const named = rows.flatMap((row) => Object.keys(row));
  const used = (name: string) => rows.some((row) => row[name] !== undefined);
  const names = [...new Set(named)].filter(used);
  const columns = names.map((name) => {
    const values = rows.map((row) => row[name]).filter((value) => value !== undefined);
    const width = Math.max(textWidth(name), ...widths(values));
    return { name, width, right: values.length > 0 && values.every(isNumeric) };
  });
  if (widthMax === undefined) return { columns, hidden: [], cut: false };
  shrink(columns, widthMax);
  let kept = columns.length;
  while (kept > 1 && totalWidth(columns.slice(0, kept)) > widthMax) kept--;
  return { columns: columns.slice(0, kept), hidden: names.slice(kept), cut: true };
}

export function tableHead(layout: TableLayout): string {
  return line(layout, (column) => printable(column.name)).trimEnd();
}

/** Cells of columns that the layout does not know come last, as `name=value`, rather than not at all. */
export function tableLine(layout: TableLayout, cells: Cells, paint?: Paint): string {
  const painted = paint && ((name: string, text: string) => paint(name, cells[name], text));
  const known = line(layout, (column) => cellText(cells[column.name]), painted);
  const names = new Set([...layout.columns.map((column) => column.name), ...layout.hidden]);
  const late = Object.keys(cells).filter((name) => !names.has(name) && cells[name] !== undefined);
  const extra = late.map((name) => `${GAP}${printable(name)}=${cellText(cells[name])}`).join('');
  return (known + extra).trimEnd();
}

/** A value as people read it: text as it is, everything else as JSON. */
export function cellText(value: unknown): string {
  if (value === undefined) return '';
  return printable(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
}

function line(
  layout: TableLayout,
  text: (column: Column) => string,
  paint: (name: string, text: string) => string = (_name, shown) => shown,
): string {
  return layout.columns
    .map((column) => {
      const full = text(column);
      const shown = layout.cut ? cutToWidth(full, column.width) : full;
      const padding = ' '.repeat(Math.max(0, column.width - textWidth(shown)));
      // Colour takes no room: it comes after the padding is known.
      const painted = paint(column.name, shown);
      return column.right ? padding + painted : painted + padding;
    })
    .join(GAP);
}

function* widths(values: readonly unknown[]): Iterable<number> {
  for (const value of values) yield textWidth(cellText(value));
}

function isNumeric(value: unknown): boolean {
  return typeof value === 'number' || value === null;
}

function totalWidth(columns: readonly Column[]): number {
  return columns.reduce((sum, column) => sum + column.width, GAP.length * (columns.length - 1));
}

/** Takes from the widest column, one character at a time, until all fit or none can give more. */
function shrink(columns: { width: number; name: string; right: boolean }[], widthMax: number) {
  for (let excess = totalWidth(columns) - widthMax; excess > 0; excess--) {
    let widest = columns[0];
    for (const column of columns)
      if (widest === undefined || column.width > widest.width) widest = column;
    if (widest === undefined || widest.width <= WIDTH_MIN) return;
    widest.width--;
  }
}
