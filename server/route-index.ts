/** Which methods an address takes: for the answer to those it does not take. */
export class RouteIndex {
  readonly #methods = new Map<string, Set<string>>();

  /** @param url with `:name` for a parameter, as fastify has it */
  add(method: string | readonly string[], url: string): void {
    const known = this.#methods.get(url) ?? new Set();
    for (const each of [method].flat()) known.add(each);
    this.#methods.set(url, known);
  }

  methodsOf(path: string): string[] {
    const found = [...this.#methods].filter(([url]) => matches(url, path));
    return [...new Set(found.flatMap(([, methods]) => [...methods]))].sort();
  }
}

function matches(url: string, path: string): boolean {
  const [parts, given] = [url.split('/'), path.split('/')];
  if (parts.length !== given.length) return false;
  return parts.every((part, at) => part.startsWith(':') || part === '*' || part === given[at]);
}
