import { readFileSync } from 'node:fs';
import { get } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isTidemarkError } from '../../base/index.ts';
import { startOne } from './support/running-service.ts';

/** What a service says to bytes that are not sent on, until it closes the connection. */
function talk(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(text));
    let heard = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      heard += chunk;
    });
    socket.on('close', () => resolve(heard));
    socket.on('error', reject);
  });
}

describe('a connection', () => {
  it('that sends half a request is told so and closed', async () => {
    const service = await startOne({ flags: { request_timeout_ms: '300' } });
    const head = 'POST /tables HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
    for (const text of ['GET /tab', head, `${head}Content-Length: 100\r\n\r\n{"name": `]) {
      const heard = await talk(service.url, text);
      expect(heard).toMatch(/^HTTP\/1\.1 408 /);
      expect(heard).toContain('"code":"REQUEST_MALFORMED"');
    }
    expect(await service.json('GET', '/tables')).toEqual({ tables: [] });
  });

  it('that says nothing, or does not speak HTTP, is closed', async () => {
    const service = await startOne({ flags: { idle_timeout_ms: '300' } });
    expect(await talk(service.url, '')).toBe('');
    expect(await talk(service.url, 'SSH-2.0-OpenSSH_9.2\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 400 .*application\/problem\+json.*REQUEST_MALFORMED/s,
    );
    const twice =
      'GET /tables HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n';
    expect(await talk(service.url, twice)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('is one of a bounded number', async () => {
    const service = await startOne({ flags: { connections_max: '1', idle_timeout_ms: '500' } });
    const held = talk(service.url, '');
    await expect(service.get('/tables')).rejects.toThrow();
    expect(await held).toBe('');
    expect((await service.get('/tables')).status).toBe(200);
  });
});

describe('a caller', () => {
  it('is told when it asks too often', async () => {
    const service = await startOne({ flags: { requests_per_minute: '5' } });
    const statuses: number[] = [];
    for (let request = 0; request < 7; request++) {
      statuses.push((await service.get('/tables')).status);
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429]);
    const answer = await service.get('/tables');
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await answer.json()).toMatchObject({ code: 'RATE_LIMITED', data: { limit: 5 } });
  });

  it('in a page from elsewhere reads answers only if its origin is named', async () => {
    const origin = { origin: 'https://example.org' };
    const closed = await startOne();
    const refused = await closed.get('/tables', origin);
    expect(refused.status).toBe(403);
    expect(refused.headers.get('access-control-allow-origin')).toBeNull();
    const open = await startOne({ flags: { cors_origins: 'https://example.org' } });
    const allowed = await open.get('/tables', origin);
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://example.org');
    const other = await open.get('/tables', { origin: 'https://example.com' });
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('is no page from elsewhere in a browser of this machine, by origin or by name', async () => {
    const service = await startOne({ flags: { cors_origins: 'https://example.org' } });
    const snapshot = (headers: Record<string, string>) =>
      service.send('POST', '/snapshots', undefined, headers);
    for (const origin of ['https://example.com', 'null', 'http://127.0.0.1:1']) {
      const answer = await snapshot({ origin });
      expect([answer.status, await answer.json()]).toMatchObject([403, { code: 'ORIGIN_REFUSED' }]);
    }
    expect((await snapshot({ origin: 'https://example.org' })).status).toBe(201);
    expect((await snapshot({ origin: service.url })).status).toBe(201);
    for (const host of ['evil.example', '127.0.0.1.evil.example:80', '[::2]', '']) {
      const request = `GET /tables HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
      expect(await talk(service.url, request)).toMatch(/^HTTP\/1\.1 403 .*"ORIGIN_REFUSED"/s);
    }
    for (const host of ['localhost', 'LOCALHOST:80', '127.0.0.5:1', '[::1]:7654']) {
      const request = `GET /tables HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
      expect(await talk(service.url, request)).toMatch(/^HTTP\/1\.1 200 /);
    }
  });

  it('speaks TLS where there is a certificate', async () => {
    // Made for 100 years, for nothing but this test: `openssl req -x509 -days 36500 …`.
    const [tls_cert, tls_key] = ['cert', 'key'].map((name) =>
      join(import.meta.dirname, `support/localhost-${name}.pem`),
    );
    const service = await startOne({ flags: { tls_cert: tls_cert!, tls_key: tls_key! } });
    expect(service.url).toMatch(/^https:/);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const ca = readFileSync(tls_cert!);
      get(`${service.url}/tables`, { ca, agent: false }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      }).on('error', reject);
    });
    expect(status).toBe(200);
    const wrong = await startOne({ flags: { tls_cert: tls_key!, tls_key: tls_key! } }).catch(
      (error: unknown) => error,
    );
    expect(isTidemarkError(wrong, 'CONFIGURATION_INVALID')).toBe(true);
  });
});

describe('a service', () => {
  it('that cannot listen says where and what is allowed', async () => {
    const first = await startOne();
    const { port } = new URL(first.url);
    const second = await startOne({ flags: { port } }).catch((error: unknown) => error);
    if (!isTidemarkError(second)) return expect.fail('it listens');
    expect(second.code).toBe('ADDRESS_UNAVAILABLE');
    expect(second.message).toMatch(/EADDRINUSE; allowed: /);
  });

  it('that is told to end answers what is under way, and loses nothing it acknowledged', async () => {
    const service = await startOne();
    const { dataDirectory } = service;
    await service.json('POST', '/tables', { name: 't', primaryKey: 'id', keyType: 'integer' });
    const acknowledged = new Set<number>();
    let refused = 0;
    let next = 0;
    const writer = async () => {
      while (next < 2000) {
        const id = next++;
        try {
          const answer = await service.send('POST', '/tables/t/rows', { id });
          await answer.text();
          if (answer.status !== 201) {
            expect(answer.status).toBe(503);
            refused++;
            return;
          }
          acknowledged.add(id);
        } catch {
          refused++;
          return;
        }
      }
    };
    const writers = Array.from({ length: 16 }, writer);
    while (acknowledged.size < 200) await new Promise((resolve) => setTimeout(resolve, 5));
    await service.close();
    await Promise.all(writers);
    expect(refused).toBeGreaterThan(0);
    const again = await startOne({ dataDirectory });
    const page = await again.json('GET', '/tables/t/rows?limit=10000');
    const { rows } = page as { rows: { key: number }[] };
    const there = new Set(rows.map(({ key }) => key));
    expect([...acknowledged].filter((id) => !there.has(id))).toEqual([]);
  });
});
