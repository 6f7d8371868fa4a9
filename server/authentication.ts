/** Every request is somebody's, and every route says who may call it. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { TidemarkError } from '../base/index.ts';
import type { Instances } from './instances.ts';
import { isGranted } from './roles.ts';
import type { Tokens } from './tokens.ts';

const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i;
/** Pages and documents that show nothing of what is stored. */
const DOCUMENTATION = /^\/docs(\/|$)/;

/**
 * Refuses what a token does not open, before anything of the request is read. A route that says
 * nothing is for administrators: one that is forgotten is closed, not open.
 *
 * A caller learns nothing of instances it has no grant for, not even whether they exist.
 * @throws UNAUTHENTICATED, FORBIDDEN
 */
export function authenticate(app: FastifyInstance, tokens: Tokens, instances: Instances): void {
  app.addHook('onRequest', (request, reply, done) => {
    const { url = '', config } = request.routeOptions;
    const access = DOCUMENTATION.test(url) ? 'open' : (config.access ?? 'admin');
    if (access === 'open') return done();
    const owner = ownerOf(request, tokens);
    if (owner === undefined) {
      reply.header('www-authenticate', 'Bearer realm="tidemark"');
      return done(
        new TidemarkError(
          'UNAUTHENTICATED',
          'the request has no token that is known; send one as "Authorization: Bearer <token>"',
        ),
      );
    }
    const instance = instanceOf(request, instances);
    if (!request.is404 && !isGranted(owner.grants, access, instance)) {
      const where = instance === undefined ? 'the service' : `instance ${instance}`;
      return done(
        new TidemarkError(
          'FORBIDDEN',
          `the token ${owner.name} does not open this: it takes a role on ${where} that may ${access}`,
          {
            access,
          },
        ),
      );
    }
    request.actor = owner.name;
    done();
  });
}

function ownerOf({ headers }: FastifyRequest, tokens: Tokens) {
  const token = BEARER.exec(headers.authorization ?? '')?.[1];
  return token === undefined ? undefined : tokens.ownerOf(token);
}

/** Undefined for routes that are of no instance. */
function instanceOf(request: FastifyRequest, instances: Instances): string | undefined {
  const { instance } = request.params as { readonly instance?: string };
  if (request.routeOptions.config.isOfInstance !== true) return undefined;
  return instance ?? instances.defaultName;
}
