/**
 * One kept connection that has one request under way at a time. Over a bare socket: Node's own
 * client takes more of a core than the services it is to measure. It reads answers that state their
 * length, in Latin-1, which is what there is here.
 */
import { connect, type Socket } from 'node:net';
import { assert } from '../../base/index.ts';

export type OnAnswer = (status: number, body: string) => void;

const STATUS_AT = 'HTTP/1.1 '.length;
const HEAD_END = '\r\n\r\n';
const LENGTH = /\r\ncontent-length: (\d+)/i;

export class RawConnection {
  readonly #socket: Socket;
  #received = '';
  #onAnswer: OnAnswer | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.#take(text));
    socket.on('close', () => assert(this.#onAnswer === undefined, 'an answer before the end'));
  }

  static async open(port: number): Promise<RawConnection> {
    const socket = connect(port, '127.0.0.1');
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawConnection(socket);
  }

  /** @param request the whole text of it */
  ask(request: string, onAnswer: OnAnswer): void {
    assert(this.#onAnswer === undefined, 'one request under way on a connection');
    this.#onAnswer = onAnswer;
    this.#socket.write(request, 'latin1');
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(text: string): void {
    const received = this.#received + text;
    const headEnd = received.indexOf(HEAD_END);
    const length = headEnd === -1 ? undefined : LENGTH.exec(received)?.[1];
    assert(headEnd === -1 || length !== undefined, 'an answer states its length');
    const bodyAt = headEnd + HEAD_END.length;
    if (length === undefined || received.length < bodyAt + Number(length)) {
      this.#received = received;
      return;
    }
    assert(received.length === bodyAt + Number(length), 'one answer to one request');
    this.#received = '';
    const onAnswer = this.#onAnswer;
    this.#onAnswer = undefined;
    const status = Number(received.slice(STATUS_AT, STATUS_AT + 3));
    onAnswer?.(status, received.slice(bodyAt));
  }
}

/** A request as it goes over the wire. @param body JSON, in ASCII */
export function requestText(method: string, path: string, body?: string): string {
  const head = `${method} ${path} HTTP/1.1\r\nhost: localhost\r\n`;
  if (body === undefined) return `${head}\r\n`;
  return `${head}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}
