import { sleep, systemClock } from "../../../../operator/watch/clock.ts";
import { FakeClock } from "../../../fakes/fake-clock.ts";

test("a timer for longer than a month does not fire at once", async () => {
  let fired = 0;
  {
    using _timer = systemClock.setTimer(2 ** 31 + 1_000, () => {
      fired += 1;
    });
    await new Promise((resolve) => systemClock.setTimer(20, () => resolve(undefined)));
  }

  expect(fired).toBe(0);
});

test("a timer that is disposed of does not fire", async () => {
  const clock = new FakeClock();
  let fired = 0;
  const timer = clock.setTimer(10, () => {
    fired += 1;
  });

  timer[Symbol.dispose]();
  await clock.advance(20);

  expect(fired).toBe(0);
});

test("a sleep ends with its signal's reason, and leaves no timer", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const sleeping = sleep(clock, 1_000, stop.signal);

  stop.abort(new Error("enough"));

  await expect(sleeping).rejects.toThrow("enough");
  await expect(sleep(clock, 1_000, stop.signal)).rejects.toThrow("enough");
  expect(clock.timers).toBe(0);
});
