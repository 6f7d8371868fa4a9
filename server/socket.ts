/** The listening server, with every limit of a connection: what is slow or half open goes away. */
import * as http from 'node:http';
import * as https from 'node:https';
import { isIPv6 } from 'node:net';
import type { ServerConfiguration } from './configuration.ts';
import type { Tls } from './tls.ts';

type Limits = Pick<
  ServerConfiguration,
  'headerBytesMax' | 'requestTimeoutMs' | 'idleTimeoutMs' | 'connectionsMax'
>;

/** For the head of a request to come in: it is one packet or a few. */
const HEAD_TIMEOUT_MS = 15_000;
const CHECK_INTERVAL_MS = 2000;
/** Longer than what proxies keep a connection open for, or they send into one that is closing. */
const KEEP_ALIVE_MS = 72_000;

export function createServer(
  handler: http.RequestListener,
  limits: Limits,
  tls: Tls | undefined,
): http.Server {
  const options = {
    maxHeaderSize: limits.headerBytesMax,
    requestTimeout: limits.requestTimeoutMs,
    headersTimeout: Math.min(HEAD_TIMEOUT_MS, limits.requestTimeoutMs),
    connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS, limits.requestTimeoutMs),
    keepAliveTimeout: Math.min(KEEP_ALIVE_MS, limits.idleTimeoutMs),
  };
  const server: http.Server =
    tls === undefined
      ? http.createServer(options, handler)
      : https.createServer({ ...options, ...tls, minVersion: 'TLSv1.2' }, handler);
  server.maxConnections = limits.connectionsMax;
  server.setTimeout(limits.idleTimeoutMs);
  return server;
}

/** As an address in a browser has it. */
export function urlOf(server: http.Server, tls: Tls | undefined): string {
  const address = server.address();
  const scheme = tls === undefined ? 'http' : 'https';
  if (address === null || typeof address === 'string') return `${scheme}://${address ?? ''}`;
  const { address: host, port } = address;
  return `${scheme}://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
