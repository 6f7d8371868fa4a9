import { describe, expect, it } from 'vitest';
import { Admission } from '../../eventlog/admission.ts';

/** Lets `count` ask for one of `places` places each, asking again until they have it. */
async function askUntilIn(
  places: { left: number },
  admission: Admission,
  asked: { times: number },
) {
  for (;;) {
    asked.times++;
    const room = admission.ask();
    if (room === undefined) break;
    await room;
  }
  places.left--;
}

describe('admission', () => {
  it('lets in who asks while there is room, and nobody beyond it', async () => {
    const places = { left: 2 };
    const admission = new Admission(() => places.left > 0);
    const asked = { times: 0 };
    const all = Array.from({ length: 3 }, () => askUntilIn(places, admission, asked));
    await Promise.all(all.slice(0, 2));
    expect(places.left).toBe(0);
    places.left++;
    admission.reconsider();
    await Promise.all(all);
    expect(places.left).toBe(0);
  });

  it('asks many who wait few times, however small the room that comes free', async () => {
    const waiting = 5000;
    const places = { left: 0 };
    const admission = new Admission(() => places.left > 0);
    const asked = { times: 0 };
    const all = Array.from({ length: waiting }, () => askUntilIn(places, admission, asked));
    let done = false;
    const finished = Promise.all(all).then(() => {
      done = true;
    });
    while (!done) {
      places.left = 100;
      admission.reconsider();
      await new Promise(setImmediate);
      await new Promise(setImmediate);
    }
    await finished;
    // To wake all at each of the 50 or so times would be some 125,000 questions.
    expect(asked.times).toBeLessThan(waiting * 6);
  });
});
