/** Server-sent events as they come from a service. */
export interface ServerEvent {
  readonly id: string;
  readonly data: unknown;
}

/** Ends when the answer does, or the caller stops. */
export async function* eventsOf(answer: Response): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of answer.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const block = text.slice(0, end);
      text = text.slice(end + 2);
      const lines = new Map(
        block.split('\n').map((line) => {
          const [name = '', ...rest] = line.split(': ');
          return [name, rest.join(': ')] as const;
        }),
      );
      const data = lines.get('data');
      if (data !== undefined) yield { id: lines.get('id') ?? '', data: JSON.parse(data) };
    }
  }
}
