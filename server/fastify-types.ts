/** What this service adds to fastify's requests and routes. */
import type { Database } from '../database/index.ts';

/**
 * Who may call a route: anyone, who reads rows, who reads log and history, who writes, or who
 * administers.
 */
export type Access = 'open' | 'read' | 'audit' | 'write' | 'admin';

declare module 'fastify' {
  interface FastifyRequest {
    /** The instance that the path names, open. Set for routes of an instance. */
    database: Database;
    instanceName: string;
    /** Whose token the request came with; undefined where authentication is off. */
    actor: string | undefined;
  }
  interface FastifyContextConfig {
    access?: Access;
    /** Whether it is only for instances that have queries and indexes. */
    isQuery?: boolean;
    /** Whether the route is of one instance, which its path names, or the default one. */
    isOfInstance?: boolean;
  }
}
