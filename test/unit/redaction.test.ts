import { inspect } from "node:util";
import { createLog } from "../../runner/log.ts";
import { Redaction } from "../../runner/redaction.ts";
import { Secret } from "../../runner/secret.ts";

const CANARY = 'can"ary/é+1';

test("a secret does not print, inspect or serialise", () => {
  const secret = new Secret(CANARY);

  expect(`${secret} ${inspect({ secret })} ${JSON.stringify({ secret })}`).not.toContain("can");
  expect(secret.reveal()).toBe(CANARY);
});

test.each([
  ["as it is", CANARY],
  ["in a URL", encodeURIComponent(CANARY)],
  ["in JSON", JSON.stringify({ x: CANARY })],
  ["in base64", Buffer.from(CANARY).toString("base64")],
])("a remembered secret is taken out of a text %s", (_form, text) => {
  const redaction = new Redaction();

  redaction.add(new Secret(CANARY));

  expect(redaction.redact(`before ${text} after`)).toMatch(/^before .*\[redacted\].* after$/);
  expect(redaction.redact(text)).not.toContain("ary");
});

test("of two secrets, one of which begins with the other, nothing is left", () => {
  const redaction = new Redaction();

  for (const value of ["canary", "canary-and-more"]) redaction.add(new Secret(value));

  expect(redaction.redact("canary-and-more canary")).toBe("[redacted] [redacted]");
});

test.each(["json", "text"] as const)("no log line in %s carries a secret, in whatever field it stands", (format) => {
  const lines: string[] = [];
  const redaction = new Redaction();
  redaction.add(new Secret(CANARY));
  const log = createLog({ level: "debug", format, redaction, write: (line) => lines.push(line), scope: { function: "test" } });

  log.info(`message with ${CANARY}`, { error: `x ${CANARY}`, nested: { deep: [CANARY] }, password: "short" });
  log.debug("typed", { value: new Secret("other") });

  expect(lines).toHaveLength(2);
  expect(lines.join("")).not.toMatch(/ary|short|other/);
  expect(lines[0]).toContain("message with [redacted]");
});

test("JSON lines have time, level, message and the scope", () => {
  const lines: string[] = [];
  const log = createLog({
    level: "info",
    format: "json",
    redaction: new Redaction(),
    write: (line) => lines.push(line),
    scope: { function: "f" },
  });

  log.debug("not shown");
  log.warn("shown", { bytes: 3 });

  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] as string)).toEqual({
    level: "warn",
    time: expect.stringMatching(/^\d{4}-.*Z$/),
    function: "f",
    bytes: 3,
    msg: "shown",
  });
});
