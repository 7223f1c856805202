import type { Log } from "../../runner/function.ts";
import { showProgress } from "../../runner/progress.ts";

function arrange(isTerminal: boolean) {
  let time = 0;
  const events: unknown[] = [];
  const written: string[] = [];
  const log = { info: (message: string, fields: unknown) => events.push([message, fields]) } as unknown as Log;
  const display = showProgress({
    isTerminal,
    log,
    write: (text) => written.push(text),
    now: () => time,
    onEvent: () => events.push("event"),
  });
  const at = (milliseconds: number, bytes: number) => {
    time = milliseconds;
    display.report({ phase: "Reading", bytes, totalBytes: 1000 });
  };
  return { at, display, events, written };
}

test("without a terminal there is a log event at most every ten seconds", () => {
  const { at, events, written } = arrange(false);

  for (const second of [1, 5, 9, 10, 11, 19, 20]) at(second * 1000, second);

  expect(written).toEqual([]);
  expect(events).toEqual([
    "event",
    ["Progress", { phase: "Reading", bytes: 10, totalBytes: 1000, seconds: 10 }],
    "event",
    ["Progress", { phase: "Reading", bytes: 20, totalBytes: 1000, seconds: 20 }],
  ]);
});

test("on a terminal a bar is drawn five times a second at most, and cleared", () => {
  const { at, display, written } = arrange(true);

  at(0, 0);
  at(100, 100);
  at(250, 500);
  display.clear();
  display.clear();

  expect(written).toHaveLength(3);
  expect(written[1]).toContain("Reading [##########..........] 50 %");
  expect(written[2]).toBe("\r\u001b[2K");
});
