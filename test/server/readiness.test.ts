import { expect, it } from 'vitest';
import { NodeFiles, type WritableFile } from '../../base/index.ts';
import { loadConfiguration, startService } from '../../server/index.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** Whose files open for writing only once they are let. */
class HeldFiles extends NodeFiles {
  readonly #let: Promise<void>;

  constructor(letGo: Promise<void>) {
    super();
    this.#let = letGo;
  }

  override async openWrite(path: string): Promise<WritableFile> {
    await this.#let;
    return super.openWrite(path);
  }
}

it('is not said of a service while it opens an instance, and life is', async () => {
  let letGo = () => {};
  const files = new HeldFiles(
    new Promise((resolve) => {
      letGo = resolve;
    }),
  );
  const flags = { port: '0', data_dir: temporaryDirectory() };
  const service = await startService({ configuration: loadConfiguration({ flags }), files });
  const health = async (of: string) => {
    const answer = await fetch(`${service.url}/health/${of}`);
    return [answer.status, await answer.json()];
  };
  expect(await health('ready')).toEqual([200, { status: 'ready' }]);
  const asked = fetch(`${service.url}/tables`);
  let ready = await health('ready');
  for (let looks = 0; looks < 1000 && ready[0] === 200; looks++) ready = await health('ready');
  expect(ready).toEqual([503, { status: 'opening' }]);
  expect(await health('live')).toEqual([200, { status: 'live' }]);
  letGo();
  expect((await asked).status).toBe(200);
  expect(await health('ready')).toEqual([200, { status: 'ready' }]);
  await service.close();
});
