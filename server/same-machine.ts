/**
 * Without authentication only this machine reaches the service. Its browser does too, with pages
 * from anywhere in it: a page may send requests to loopback without asking, and one whose name is
 * made to resolve to loopback (DNS rebinding) may even read the answers. So the address must be
 * asked for by a name of loopback, and a page must be from an origin that is named.
 */
import type { FastifyInstance } from 'fastify';
import { TidemarkError } from '../base/index.ts';
import { isLoopback } from './configuration.ts';

/** @param origins those whose pages may send requests, beside the service's own */
export function refuseForeignPages(app: FastifyInstance, origins: readonly string[]): void {
  app.addHook('onRequest', ({ headers: { host = '', origin } }, _reply, done) => {
    if (!isLoopback(hostnameOf(host))) {
      const what = `the service is asked for as ${JSON.stringify(host.slice(0, 100))}, without authentication`;
      return done(
        new TidemarkError('ORIGIN_REFUSED', `${what}; allowed: localhost, 127.0.0.1, [::1]`),
      );
    }
    if (origin === undefined || origins.includes(origin) || isOwn(origin, host)) return done();
    const what = `a page of ${JSON.stringify(origin.slice(0, 100))} sends this`;
    done(new TidemarkError('ORIGIN_REFUSED', `${what}; allowed: origins that cors_origins names`));
  });
}

/** What stands before the port; an address of IPv6 is in brackets. */
function hostnameOf(host: string): string {
  const [, bracketed, plain = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d+)?$/.exec(host) ?? [];
  return (bracketed ?? plain).toLowerCase();
}

function isOwn(origin: string, host: string): boolean {
  return origin === `http://${host}` || origin === `https://${host}`;
}
