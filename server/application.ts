/** The HTTP application: limits, errors, and the routes, over a set of instances. */
import { fastifyCors } from '@fastify/cors';
import { fastifyRateLimit } from '@fastify/rate-limit';
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  fastify,
  LogController,
  type preHandlerHookHandler,
} from 'fastify';
import { TidemarkError } from '../base/index.ts';
import { noteAnswers } from './answer-notes.ts';
import { authenticate } from './authentication.ts';
import type { ServerConfiguration } from './configuration.ts';
import { addDocumentation } from './documentation.ts';
import { answerBrokenRequest, answerError, answerErrors } from './error-answers.ts';
import type {} from './fastify-types.ts';
import { Followers } from './followers.ts';
import type { Instances } from './instances.ts';
import { ServiceJobs } from './jobs.ts';
import { NDJSON } from './line-stream.ts';
import { Metrics } from './metrics.ts';
import { OpenTransactions } from './open-transactions.ts';
import { changeRoutes } from './routes/changes.ts';
import { collectionRoutes } from './routes/collections.ts';
import { differenceRoutes } from './routes/differences.ts';
import { documentRoutes } from './routes/documents.ts';
import { indexRoutes } from './routes/indexes.ts';
import { instanceAdministrationRoutes } from './routes/instances.ts';
import { jobRoutes, maintenanceRoutes } from './routes/jobs.ts';
import { keyListRoutes } from './routes/key-lists.ts';
import { keyRoutes } from './routes/keys.ts';
import { logRoutes } from './routes/log.ts';
import { operationRoutes } from './routes/operation.ts';
import { queryRoutes } from './routes/queries.ts';
import { restoreRoutes } from './routes/restores.ts';
import { rowInsertRoutes } from './routes/row-inserts.ts';
import { rowPageRoutes } from './routes/row-pages.ts';
import { rowRoutes } from './routes/rows.ts';
import { snapshotRoutes } from './routes/snapshots.ts';
import { allStatisticsRoutes, statisticsRoutes } from './routes/statistics.ts';
import { tableRoutes } from './routes/tables.ts';
import { tokenRoutes } from './routes/tokens.ts';
import { transactionRoutes } from './routes/transactions.ts';
import { refuseForeignPages } from './same-machine.ts';
import { createServer } from './socket.ts';
import type { Tls } from './tls.ts';
import type { Tokens } from './tokens.ts';
import { UnusedSockets } from './unused-sockets.ts';
import { requestValidator } from './validation.ts';

export interface ApplicationOptions {
  readonly instances: Instances;
  readonly server: ServerConfiguration;
  readonly logger: FastifyBaseLogger;
  readonly tls: Tls | undefined;
  /** Undefined where authentication is off. */
  readonly tokens: Tokens | undefined;
}

interface RouteServices {
  readonly instances: Instances;
  readonly jobs: ServiceJobs;
  readonly transactions: OpenTransactions;
  readonly followers: Followers;
}

const MINUTE_MS = 60_000;
/** Addresses whose requests are counted at a time. */
const CALLERS_COUNTED = 10_000;

export async function buildApplication(options: ApplicationOptions): Promise<FastifyInstance> {
  const { instances, server, logger, tls, tokens } = options;
  const unused = new UnusedSockets();
  const app = fastify({
    loggerInstance: logger,
    // One for each request would take 2 µs of each; lines name their request themselves.
    childLoggerFactory: (parent) => parent,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: server.bodyBytesMax,
    routerOptions: { maxParamLength: server.headerBytesMax },
    forceCloseConnections: 'idle',
    // Requests on connections that are there are still answered; the instances close after them.
    return503OnClosing: false,
    serverFactory: (handler) => {
      const listening = createServer(handler, server, tls);
      unused.watch(listening);
      return listening;
    },
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (error, request, reply) => {
      answerError(error, request, reply);
    },
  });
  takeBodies(app);
  app.setValidatorCompiler(requestValidator());
  // Answers are JSON as it is: schemas of answers are for the documentation.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  answerErrors(app);
  const jobs = new ServiceJobs(logger);
  const transactions = new OpenTransactions(server);
  const followers = new Followers();
  const metrics = new Metrics({ instances, transactions, followers });
  let isClosing = false;
  app.addHook('preClose', async () => {
    isClosing = true;
    transactions.rollBackAll();
    // These would never end by themselves, and connections are waited for.
    followers.close();
    unused.destroy();
  });
  noteAnswers(app, logger, metrics.requests);
  await limitCallers(app, server);
  app.decorateRequest('actor');
  if (tokens === undefined) refuseForeignPages(app, server.corsOrigins);
  else authenticate(app, tokens, instances);
  await addDocumentation(app);
  await app.register(async (scope) => {
    const state = () => (isClosing ? 'closing' : instances.isOpening ? 'opening' : 'ready');
    operationRoutes(scope, metrics, state);
    instanceAdministrationRoutes(scope, instances, transactions);
    allStatisticsRoutes(scope, instances);
    jobRoutes(scope, jobs);
    if (tokens !== undefined) tokenRoutes(scope, tokens);
  });
  const ofInstance = instanceRoutes({ instances, jobs, transactions, followers });
  await app.register(ofInstance, { prefix: '/db/:instance' });
  await app.register(async (scope) => {
    scope.addHook('onRoute', (route) => {
      route.schema = { ...route.schema, hide: true };
    });
    await ofInstance(scope);
  });
  return app;
}

/** Everything under an instance: once for each by its name, once without for the default one. */
function instanceRoutes({ instances, jobs, transactions, followers }: RouteServices) {
  return async (scope: FastifyInstance): Promise<void> => {
    scope.decorateRequest('database');
    scope.decorateRequest('instanceName');
    scope.addHook('onRoute', (route) => {
      route.config = { ...route.config, isOfInstance: true };
      if (route.config.isQuery === true) route.preHandler = refuseQueries(instances);
    });
    // With a callback: an open instance costs a request no turn of the event loop.
    scope.addHook<{ Params: { instance?: string } }>('preValidation', (request, _reply, done) => {
      const name = request.params.instance ?? instances.defaultName;
      const opened = instances.opened(name);
      if (opened !== undefined) {
        request.database = opened.database;
        request.instanceName = name;
        done();
        return;
      }
      instances.open(name).then(({ database }) => {
        request.database = database;
        request.instanceName = name;
        done();
      }, done);
    });
    tableRoutes(scope);
    collectionRoutes(scope);
    documentRoutes(scope);
    keyListRoutes(scope);
    await scope.register(keyRoutes);
    rowPageRoutes(scope);
    rowInsertRoutes(scope);
    rowRoutes(scope);
    queryRoutes(scope);
    indexRoutes(scope);
    transactionRoutes(scope, transactions);
    restoreRoutes(scope);
    logRoutes(scope);
    changeRoutes(scope, followers);
    differenceRoutes(scope);
    snapshotRoutes(scope);
    statisticsRoutes(scope);
    maintenanceRoutes(scope, jobs);
  };
}

/** Where the configuration says so, an instance keeps and gives, and is not asked. */
function refuseQueries(instances: Instances): preHandlerHookHandler {
  return ({ instanceName: name }, _reply, done) => {
    if (instances.answersQueries(name)) return done();
    const what = `instance ${name} answers no queries and has no indexes: query is false`;
    done(new TidemarkError('QUERY_OFF', what, { instance: name }));
  };
}

/** JSON in its three dresses; lines of it are streamed, whatever their number. */
function takeBodies(app: FastifyInstance): void {
  app.removeContentTypeParser('text/plain');
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/merge-patch+json', { parseAs: 'string' }, parseJson);
  app.addContentTypeParser(NDJSON, (_request, payload, done) => done(null, payload));
}

async function limitCallers(app: FastifyInstance, server: ServerConfiguration): Promise<void> {
  if (server.corsOrigins.length > 0) {
    await app.register(fastifyCors, {
      origin: [...server.corsOrigins],
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      exposedHeaders: [
        'etag',
        'location',
        'tidemark-position',
        'tidemark-time',
        'tidemark-provisional',
      ],
    });
  }
  const { requestsPerMinute } = server;
  if (requestsPerMinute === undefined) return;
  await app.register(fastifyRateLimit, {
    max: requestsPerMinute,
    timeWindow: MINUTE_MS,
    cache: CALLERS_COUNTED,
    errorResponseBuilder: (_request, { ttl }) =>
      new TidemarkError(
        'RATE_LIMITED',
        `more than ${requestsPerMinute} requests a minute; again in ${Math.ceil(ttl / 1000)} s`,
        { limit: requestsPerMinute, retryAfterMs: ttl },
      ),
  });
}
