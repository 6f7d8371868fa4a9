/** Text that comes in pieces, as lines: for NDJSON and for server-sent events. */
export async function* linesOf(body: ReadableStream<Uint8Array> | null): AsyncGenerator<string> {
  if (body === null) return;
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
    if (rest !== '') yield rest;
  } finally {
    // Who stops early lets go of the connection.
    await reader.cancel().catch(() => undefined);
  }
}

export interface ServerEvent {
  readonly id: string | undefined;
  readonly data: string;
}

/** Events of the WHATWG HTML standard, 9.2; comments and fields other than id and data are passed over. */
export async function* eventsOf(
  body: ReadableStream<Uint8Array> | null,
): AsyncGenerator<ServerEvent> {
  let id: string | undefined;
  let data: string[] = [];
  for await (const line of linesOf(body)) {
    if (line === '') {
      if (data.length > 0) yield { id, data: data.join('\n') };
      data = [];
      continue;
    }
    const colon = line.indexOf(':');
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'id') id = value;
    else if (name === 'data') data.push(value);
  }
}
