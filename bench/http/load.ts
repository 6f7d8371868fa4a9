/** Load from many connections, each of which asks again as soon as it has its answer. */
import { RawConnection } from './raw-connection.ts';

/** Undefined when there is nothing more to ask. */
export type NextQuestion = () => Question | undefined;

export interface Question {
  readonly request: string;
  /** Throws if the answer is not what it must be. */
  readonly check: (status: number, body: string) => void;
}

export interface LoadResult {
  readonly answers: number;
  readonly seconds: number;
  /** Milliseconds from each request to the end of its answer. */
  readonly latencies: readonly number[];
}

export class Load {
  readonly #connections: readonly RawConnection[];

  private constructor(connections: readonly RawConnection[]) {
    this.#connections = connections;
  }

  static async connect(port: number, connections: number): Promise<Load> {
    const opened = Array.from({ length: connections }, () => RawConnection.open(port));
    return new Load(await Promise.all(opened));
  }

  /** Ends when there are no more questions and every answer is there. */
  async run(next: NextQuestion): Promise<LoadResult> {
    const latencies: number[] = [];
    const started = performance.now();
    await Promise.all(this.#connections.map((connection) => converse(connection, next, latencies)));
    const seconds = (performance.now() - started) / 1000;
    return { answers: latencies.length, seconds, latencies };
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }
}

function converse(
  connection: RawConnection,
  next: NextQuestion,
  latencies: number[],
): Promise<void> {
  return new Promise((resolve, reject) => {
    const askNext = () => {
      const question = next();
      if (question === undefined) return resolve();
      const asked = performance.now();
      connection.ask(question.request, (status, body) => {
        latencies.push(performance.now() - asked);
        try {
          question.check(status, body);
          askNext();
        } catch (error) {
          reject(error);
        }
      });
    };
    askNext();
  });
}
