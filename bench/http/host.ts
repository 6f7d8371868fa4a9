/** What is asked over HTTP: it listens on loopback, on a port that was free. */
export interface Host {
  readonly port: number;
  /** Of its process. */
  readonly pid: number;
  stop(): Promise<void>;
}

/** Who brings hosts up: the benchmark in processes of their own. */
export interface Hosts {
  /** The service over a store that is there. @param directory of the instance `default` */
  service(directory: string): Promise<Host>;
  /** Fastify with a route that answers nothing, and one that answers a fixed text. */
  emptyRoute(): Promise<Host>;
}
