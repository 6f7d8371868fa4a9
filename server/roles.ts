/** What a token may do, and where. */
import { TidemarkError } from '../base/index.ts';
import type { Access } from './fastify-types.ts';
import { checkInstanceName } from './instance-name.ts';

/** Roles, and the kinds of routes they open. */
const OPENED = {
  reader: ['read'],
  writer: ['read', 'write'],
  auditor: ['read', 'audit'],
  admin: ['read', 'write', 'audit', 'admin'],
} as const satisfies Record<string, readonly Access[]>;

export type Role = keyof typeof OPENED;
export const ROLES = Object.keys(OPENED) as readonly Role[];

/** All instances, those that come later included, and what is of no instance. */
export const EVERYWHERE = '*';

export interface Grant {
  /** Its name, or `*`. */
  readonly instance: string;
  readonly role: Role;
}

/** @param instance undefined for routes that are of no instance */
export function isGranted(
  grants: readonly Grant[],
  access: Access,
  instance: string | undefined,
): boolean {
  return grants.some(
    (grant) =>
      (grant.instance === EVERYWHERE || grant.instance === instance) &&
      OPENED[grant.role].some((opened) => opened === access),
  );
}

/** @throws TOKEN_INVALID */
export function checkGrants(grants: readonly Grant[]): void {
  if (grants.length === 0) throw invalid('it has no grant');
  for (const { instance, role } of grants) {
    if (!ROLES.includes(role)) throw invalid(`${JSON.stringify(role)} is no role`);
    if (instance !== EVERYWHERE) checkInstanceName(instance);
  }
}

function invalid(why: string): TidemarkError {
  return new TidemarkError(
    'TOKEN_INVALID',
    `${why}; allowed: one or more of {"instance": a name or "*", "role": ${ROLES.join(' | ')}}`,
  );
}
