import { dirname } from 'node:path';
import { NodeFiles, type WritableFile } from '../base/index.ts';
import type { Context } from './context.ts';

/** Where an export goes: a file that is replaced at the end, or standard output. */
export interface ExportOutput {
  /** Whether it is time to drain. */
  write(piece: string): boolean;
  drain(): Promise<void>;
  /** True once nobody reads on. */
  isClosed(): boolean;
  /** All was written. */
  finish(): Promise<void>;
  /** Lets go, whatever came before; without `finish` a file stays as it was. */
  close(): Promise<void>;
}

const CHUNK_CHARACTERS = 256 * 1024;

/** @throws IO_FAILED */
export async function openOutput(
  context: Context,
  path: string | undefined,
): Promise<ExportOutput> {
  if (path === undefined) return standardOutput(context);
  const files = new NodeFiles();
  const file = await files.openWrite(`${path}.partial`);
  await file.truncate(0);
  return fileOutput(files, path, file);
}

function standardOutput({ output }: Context): ExportOutput {
  return {
    write: (piece) => {
      output.line(piece.slice(0, -1));
      return output.isFull;
    },
    drain: () => output.drain(),
    isClosed: () => output.isClosed,
    finish: () => output.drain(),
    close: async () => {},
  };
}

function fileOutput(files: NodeFiles, path: string, file: WritableFile): ExportOutput {
  let pending = '';
  let isOpen = true;
  const aside = `${path}.partial`;
  const drain = async () => {
    const bytes = Buffer.from(pending, 'utf8');
    pending = '';
    await file.write(bytes, file.size());
  };
  return {
    write: (piece) => {
      pending += piece;
      return pending.length >= CHUNK_CHARACTERS;
    },
    drain,
    isClosed: () => false,
    finish: async () => {
      await drain();
      await file.sync();
      await file.close();
      isOpen = false;
      await files.rename(aside, path);
      await files.syncDirectory(dirname(path));
    },
    close: async () => {
      if (!isOpen) return;
      await file.close();
      await files.remove(aside);
    },
  };
}
