import { invokerChange, invokerPhase } from "../../../../operator/decide/invoker-status.ts";

const NOW = new Date("2026-11-22T03:00:00Z");
const ALL = ["RepositoryFound", "BackendSecretFound", "ValidationPassed", "CronJobCreated"];

function status(conditions: Readonly<Record<string, string>>) {
  return { conditions: Object.entries(conditions).map(([type, value]) => ({ type, status: value, reason: "R" })) };
}

const READY = Object.fromEntries(ALL.map((type) => [type, "True"]));

test.each<[Readonly<Record<string, string>>, string]>([
  [{}, "NotReady"],
  [READY, "Ready"],
  [{ ...READY, RepositoryFound: "False" }, "NotReady"],
  [{ ...READY, RepositoryFound: "Unknown" }, "NotReady"],
  [{ ...READY, BackendSecretFound: "False" }, "NotReady"],
  [{ ...READY, BackendSecretFound: "Unknown" }, "NotReady"],
  [{ ...READY, ValidationPassed: "False" }, "Invalid"],
  [{ ...READY, ValidationPassed: "False", RepositoryFound: "False" }, "NotReady"],
  [{ ValidationPassed: "False" }, "Invalid"],
  [{ ...READY, CronJobCreated: "False" }, "NotReady"],
  [{ ...READY, BackupTargetFound: "False" }, "Ready"],
  ...ALL.map((left): [Readonly<Record<string, string>>, string] => [
    Object.fromEntries(Object.entries(READY).filter(([type]) => type !== left)),
    "NotReady",
  ]),
])("%j is %s", (conditions, phase) => {
  expect(invokerPhase(status(conditions))).toBe(phase);
});

test("what stands already is not written again, whatever the time", () => {
  const conditions = [{ type: "ValidationPassed", status: "False", reason: "R", message: "m" }] as const;
  const once = invokerChange({ conditions, generation: 2 }, NOW)({});

  const twice = invokerChange({ conditions, generation: 2 }, new Date("2027-01-01T00:00:00Z"))(once);

  expect(twice).toBe(once);
  expect(once).toMatchObject({ phase: "Invalid", observedGeneration: 2, conditions: [{ lastTransitionTime: "2026-11-22T03:00:00Z" }] });
});

test("fields of others in the status stay", () => {
  expect(invokerChange({ conditions: [] }, NOW)({ theirs: 1 })).toEqual({ theirs: 1, phase: "NotReady" });
});
