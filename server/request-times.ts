/**
 * How long requests took, by route and status: a histogram in the text format of Prometheus. Of its
 * own, because it is on the way of every request: prom-client takes 2 µs to find the labels of an
 * observation, which is a tenth of a point read.
 */

export interface AnsweredRequest {
  readonly method: string;
  /** As the route is declared, without values: what labels may hold is bounded. */
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
}

interface Times {
  readonly labels: string;
  /** Requests that took up to each bound, and more than the last. Not cumulative. */
  readonly counts: number[];
  seconds: number;
}

const NAME = 'tidemark_request_seconds';
const OF_INSTANCES = 'tidemark_instance_requests_total';
const HELP = 'Time from the head of a request to the end of its answer';
/** Seconds: from a row in memory to a long export. */
const BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30];

export class RequestTimes {
  readonly #times = new Map<string, Times>();
  readonly #ofInstances = new Map<string, number>();

  add({ method, route, status, seconds }: AnsweredRequest): void {
    const key = `${status}${method}${route}`;
    let times = this.#times.get(key);
    if (times === undefined) {
      const labels = `method="${method}",route="${route}",status="${status}"`;
      times = { labels, counts: new Array<number>(BOUNDS.length + 1).fill(0), seconds: 0 };
      this.#times.set(key, times);
    }
    let bucket = 0;
    while (bucket < BOUNDS.length && seconds > BOUNDS[bucket]!) bucket++;
    times.counts[bucket]!++;
    times.seconds += seconds;
  }

  /** @param access what the request was for: bounded, as the instances are */
  addTo(instance: string, access: string): void {
    const labels = `instance="${instance}",access="${access}"`;
    this.#ofInstances.set(labels, (this.#ofInstances.get(labels) ?? 0) + 1);
  }

  text(): string {
    const lines = [`# HELP ${NAME} ${HELP}`, `# TYPE ${NAME} histogram`];
    for (const { labels, counts, seconds } of this.#times.values()) {
      let sum = 0;
      for (const [at, count] of counts.entries()) {
        sum += count;
        lines.push(`${NAME}_bucket{${labels},le="${BOUNDS[at] ?? '+Inf'}"} ${sum}`);
      }
      lines.push(`${NAME}_sum{${labels}} ${seconds}`, `${NAME}_count{${labels}} ${sum}`);
    }
    lines.push(`# HELP ${OF_INSTANCES} Requests of each instance, by what they are for`);
    lines.push(`# TYPE ${OF_INSTANCES} counter`);
    for (const [labels, count] of this.#ofInstances)
      lines.push(`${OF_INSTANCES}{${labels}} ${count}`);
    return `${lines.join('\n')}\n`;
  }
}
