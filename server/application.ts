/** The HTTP application: limits, errors, and the routes, over a set of instances. */
import { type FastifyBaseLogger, type FastifyInstance, fastify } from 'fastify';
import { TidemarkError } from '../base/index.ts';
import { addDocumentation } from './documentation.ts';
import { isPreconditionFailure } from './etag.ts';
import type {} from './fastify-types.ts';
import { DEFAULT_INSTANCE } from './instance-name.ts';
import type { Instances } from './instances.ts';
import { PROBLEM_TYPE, problemOf } from './problem.ts';
import { codedError } from './request-error.ts';
import { healthRoutes } from './routes/health.ts';
import { rowRoutes } from './routes/rows.ts';
import { tableRoutes } from './routes/tables.ts';
import { requestValidator } from './validation.ts';

export interface ApplicationOptions {
  readonly instances: Instances;
  readonly logger: FastifyBaseLogger;
}

const BODY_BYTES_MAX = 16 * 1024 * 1024;
/** A key takes 16 KiB at most, and three times that where every byte is escaped. */
const HEADER_BYTES_MAX = 64 * 1024;

export async function buildApplication(options: ApplicationOptions): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: options.logger,
    bodyLimit: BODY_BYTES_MAX,
    http: { maxHeaderSize: HEADER_BYTES_MAX },
    routerOptions: { maxParamLength: HEADER_BYTES_MAX },
    forceCloseConnections: 'idle',
  });
  app.setValidatorCompiler(requestValidator());
  // Answers are JSON as it is: schemas of answers are for the documentation.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  answerErrors(app);
  await addDocumentation(app);
  await app.register(async (scope) => healthRoutes(scope));
  await app.register(instanceRoutes(options.instances), { prefix: '/db/:instance' });
  await app.register(async (scope) => {
    scope.addHook('onRoute', (route) => {
      route.schema = { ...route.schema, hide: true };
    });
    await instanceRoutes(options.instances)(scope);
  });
  return app;
}

/** Everything under an instance: once for each by its name, once without for the default one. */
function instanceRoutes(instances: Instances) {
  return async (scope: FastifyInstance): Promise<void> => {
    scope.decorateRequest('database');
    // With a callback: an open instance costs a request no turn of the event loop.
    scope.addHook<{ Params: { instance?: string } }>('preValidation', (request, _reply, done) => {
      const name = request.params.instance ?? DEFAULT_INSTANCE;
      const opened = instances.opened(name);
      if (opened !== undefined) {
        request.database = opened.database;
        done();
        return;
      }
      instances.open(name).then(({ database }) => {
        request.database = database;
        done();
      }, done);
    });
    tableRoutes(scope);
    rowRoutes(scope);
  };
}

function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((thrown, request, reply) => {
    const error = codedError(thrown);
    const problem = problemOf(error, request.id);
    const status = isPreconditionFailure(error, request.headers) ? 412 : problem.status;
    if (status >= 500) request.log.error({ err: error }, 'a request failed');
    reply
      .code(status)
      .type(PROBLEM_TYPE)
      .send({ ...problem, status });
  });
  app.setNotFoundHandler((request) => {
    const { method, url } = request;
    throw new TidemarkError('ROUTE_UNKNOWN', `there is nothing at ${method} ${url.slice(0, 200)}`);
  });
}
