/** Reads the text format of Prometheus, and refuses what a scraper would, or what breaks its conventions. */
import { expect } from 'vitest';

const NAME = /^[a-z][a-z0-9_]*$/;
const SAMPLE = /^([a-z_0-9]+)(?:\{(.*)\})? (\S+)$/;
const LABEL = /^([a-z_]+)="((?:[^"\\]|\\["\\n])*)"(?:,|$)/;
const OF_HISTOGRAM = /_(bucket|sum|count)$/;

export class PrometheusText {
  readonly #values = new Map<string, number>();
  readonly #types = new Map<string, string>();

  constructor(text: string) {
    expect(text.endsWith('\n'), 'ends with a newline').toBe(true);
    const helped = new Set<string>();
    for (const line of text.split('\n').filter((each) => each !== '')) {
      const [mark, what, name = '', ...rest] = line.split(' ');
      if (mark !== '#') this.#addSample(line, helped);
      else if (what === 'HELP') {
        expect(helped.has(name), `one help of ${name}`).toBe(false);
        expect(rest.join(' '), name).not.toBe('');
        helped.add(name);
      } else this.#addType(name, rest.join(' '));
    }
    for (const name of this.#types.keys()) expect(helped.has(name), `help of ${name}`).toBe(true);
  }

  /** Names of the figures with their types. */
  get types(): ReadonlyMap<string, string> {
    return this.#types;
  }

  /** Undefined if there is no such sample. Labels in any order. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
    return this.#values.get(keyOf(name, new Map(Object.entries(labels))));
  }

  #addType(name: string, type: string): void {
    expect(name).toMatch(NAME);
    expect(this.#types.has(name), `one type of ${name}`).toBe(false);
    expect(['counter', 'gauge', 'histogram']).toContain(type);
    expect(name.endsWith('_total'), `${name} is a ${type}`).toBe(type === 'counter');
    this.#types.set(name, type);
  }

  #addSample(line: string, helped: ReadonlySet<string>): void {
    const [, name = '', labels = '', digits = ''] = SAMPLE.exec(line) ?? [];
    const family = this.#types.has(name) ? name : name.replace(OF_HISTOGRAM, '');
    expect(this.#types.has(family), `type before ${line}`).toBe(true);
    expect(helped.has(family), `help before ${line}`).toBe(true);
    const value = Number(digits);
    expect(Number.isFinite(value), line).toBe(true);
    const isGauge = this.#types.get(family) === 'gauge';
    expect(isGauge || value >= 0, line).toBe(true);
    const key = keyOf(name, labelsOf(labels));
    expect(this.#values.has(key), `one sample of ${line}`).toBe(false);
    this.#values.set(key, value);
  }
}

function labelsOf(text: string): Map<string, string> {
  const labels = new Map<string, string>();
  for (let rest = text; rest !== ''; ) {
    const [whole = '', name = '', value = ''] = LABEL.exec(rest) ?? [];
    expect(whole, `labels: ${rest}`).not.toBe('');
    expect(labels.has(name), `one ${name} in ${text}`).toBe(false);
    labels.set(name, value);
    rest = rest.slice(whole.length);
  }
  return labels;
}

function keyOf(name: string, labels: ReadonlyMap<string, string>): string {
  return JSON.stringify([name, ...[...labels].sort(([a], [b]) => (a < b ? -1 : 1))]);
}
