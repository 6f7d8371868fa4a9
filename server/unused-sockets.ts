/**
 * Connections that have not sent a request yet: browsers and pools open some ahead. Node takes them
 * for busy ones, and would wait for them at the end.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

export class UnusedSockets {
  readonly #sockets = new Set<Socket>();

  watch(server: Server): void {
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('request', ({ socket }) => this.#sockets.delete(socket));
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
