import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../../base/index.ts';
import type { Figure } from '../figure.ts';
import type { Hosts } from '../http/index.ts';
import { OrderHistory } from '../order-history.ts';
import { amountOf, ORDER_COLUMNS, orderAt } from '../orders.ts';
import type { KeyPeer, Moment, Peer, Row } from '../peers/index.ts';
import { below, type Random } from '../random.ts';

/** One kind of work, run by itself in a process of its own. */
export type Workload = OrderWorkload | KeyWorkload | ServiceWorkload;

export interface OrderWorkload {
  readonly kind: 'orders';
  readonly name: string;
  /** `nothing`: it makes its own store; `history`: it works on the store that `history` left. */
  readonly needs: 'nothing' | 'history';
  /** Whether servers take part; default true. */
  readonly withServers?: boolean;
  /** The largest size it is run at; default: any. */
  readonly eventsMax?: number;
  /** Gives no figures where the peer leaves out what is asked. */
  run(scene: Scene): Promise<readonly Figure[]>;
}

export interface KeyWorkload {
  readonly kind: 'keys';
  readonly name: string;
  /** `nothing`: it makes its own store; `keys`: it works on the store that `keys` left. */
  readonly needs: 'nothing' | 'keys';
  readonly eventsMax?: number;
  run(scene: KeyScene): Promise<readonly Figure[]>;
}

/** What the service is asked over HTTP, beside what its process could do without it. */
export interface ServiceWorkload {
  readonly kind: 'service';
  readonly name: string;
  readonly needs: 'nothing';
  readonly eventsMax?: number;
  run(scene: ServiceScene): Promise<readonly Figure[]>;
}

export interface Scene extends Setting {
  readonly peer: Peer;
}

export interface KeyScene extends Setting {
  readonly peer: KeyPeer;
}

export interface ServiceScene extends Scene {
  readonly hosts: Hosts;
}

interface Setting {
  /** Where the store lies, or is to be made, in `store`. */
  readonly directory: string;
  /** Size of the history. */
  readonly events: number;
  /** Questions asked one by one, and rows written one by one. */
  readonly questions: number;
  /** For work that is repeated: how long at least. */
  readonly millis: number;
  /** Of this round; the history itself is the same in all. */
  readonly seed: number;
}

const HISTORY_SEED = 20_260_301;
const COMMIT_EVENTS = 1000;

export function storeDirectory(scene: Setting): string {
  return join(scene.directory, 'store');
}

export function historyOf({ events }: Scene): OrderHistory {
  return new OrderHistory(events, HISTORY_SEED);
}

/** Small histories have smaller commits, so that there are moments to choose from. */
export function commitEvents({ rows }: OrderHistory): number {
  return Math.min(COMMIT_EVENTS, rows);
}

/** A commit of the history: the events up to and with it, and when it was made. */
export interface KnownCommit {
  readonly events: number;
  readonly moment: Moment;
}

export function writeKnownCommits(scene: Scene, commits: readonly KnownCommit[]): void {
  writeFileSync(join(scene.directory, 'commits.json'), JSON.stringify(commits));
}

export function readKnownCommits(scene: Scene): readonly KnownCommit[] {
  const parsed: unknown = JSON.parse(readFileSync(join(scene.directory, 'commits.json'), 'utf8'));
  assert(Array.isArray(parsed), 'the history workload left its commits');
  return parsed;
}

/** A moment somewhere between a drawn commit and the next one. */
export function drawnMoment(random: Random, commits: readonly KnownCommit[]): KnownCommit {
  const index = below(random, commits.length);
  const { events, moment } = commits[index]!;
  const next = commits[index + 1]?.moment ?? moment + 1;
  return { events, moment: moment + below(random, next - moment) };
}

/** @param version 0 if there is to be no row */
export function expectRow(row: Row | undefined, id: number, version: number): void {
  if (version === 0) {
    assert(row === undefined, `order ${id} is not there yet`);
    return;
  }
  const expected: Row = orderAt(id, version);
  for (const column of ORDER_COLUMNS) {
    assert(row?.[column] === expected[column], `${column} of order ${id}, version ${version}`);
  }
}

/** As `expectRow`, but only what tells versions apart: cheap enough to be timed. */
export function expectAmount(row: Row | undefined, id: number, version: number): void {
  const amount = version === 0 ? undefined : amountOf(id, version);
  if (row?.amount === amount) return;
  assert(false, `order ${id} is at version ${version}`);
}
