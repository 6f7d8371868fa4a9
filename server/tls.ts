import { createSecureContext } from 'node:tls';
import { type Files, TidemarkError } from '../base/index.ts';

export interface TlsFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
}

export interface Tls {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** @throws INPUT_MISSING, CONFIGURATION_INVALID if the two are no certificate and its key */
export function readTls({ certificateFile, keyFile }: TlsFiles, files: Files): Tls {
  const tls = { cert: readPem(certificateFile, files), key: readPem(keyFile, files) };
  try {
    createSecureContext(tls);
  } catch (error) {
    throw new TidemarkError(
      'CONFIGURATION_INVALID',
      `${certificateFile} and ${keyFile} do not make a certificate; allowed: PEM files of a certificate and its key`,
      { certificateFile, keyFile },
      error,
    );
  }
  return tls;
}

function readPem(file: string, files: Files): Buffer {
  if (files.exists(file)) return files.readFile(file);
  throw new TidemarkError('INPUT_MISSING', `cannot read ${file}`, { file });
}
