import fc from "fast-check";
import { outdatedSessions } from "../../../../operator/decide/history.ts";
import { NO_RETRY } from "../../../../operator/names.ts";
import type { LiveObject } from "../../../../operator/objects.ts";
import { condition, configuration, entry, HOST, type SessionChoice, session } from "./backup-session-cases.ts";

const statuses = {
  Succeeded: { conditions: [condition("MetricsPushed")], targets: [entry({ stats: [HOST] })] },
  Failed: { conditions: [condition("MetricsPushed")], targets: [entry({ stats: [{ phase: "Failed" }] })] },
  Skipped: { conditions: [condition("BackupSkipped")] },
  Running: { targets: [entry()] },
  Pending: {},
};
type Phase = keyof typeof statuses;

function past(age: number, phase: Phase, choice: SessionChoice = {}): LiveObject {
  return session({ name: `s-${age}`, age: -age, status: statuses[phase], ...choice });
}

function names(siblings: readonly LiveObject[], choice: { limit?: number; isSkipped?: boolean } = {}): readonly string[] {
  const { limit, isSkipped = false } = choice;
  const invoker = configuration(limit === undefined ? {} : { backupHistoryLimit: limit });
  return outdatedSessions(siblings, { current: session({ name: "now" }), isSkipped, invoker }).map(({ metadata }) => metadata.name);
}

test.each<[string, readonly LiveObject[], { limit?: number; isSkipped?: boolean }, readonly string[]]>([
  ["one is kept where nothing is said", [past(1, "Succeeded"), past(2, "Failed")], {}, ["s-2", "s-1"]],
  ["as many as are wanted", [past(1, "Succeeded"), past(2, "Failed"), past(3, "Succeeded")], { limit: 2 }, ["s-3", "s-2"]],
  ["one that runs stays", [past(1, "Succeeded"), past(2, "Running"), past(3, "Pending")], {}, ["s-1"]],
  [
    "after a skip the last that tells of a backup stays",
    [past(1, "Skipped"), past(2, "Failed"), past(3, "Succeeded")],
    { isSkipped: true },
    ["s-3", "s-1"],
  ],
  ["without any history it goes, too", [past(1, "Succeeded")], { limit: 0, isSkipped: true }, ["s-1"]],
  ["a failed one that is to be tried again stays", [past(1, "Failed", { retryLeft: 1 })], {}, []],
  ["one that was tried again goes", [past(1, "Failed", { retryLeft: 1, status: { ...statuses.Failed, retried: true } })], {}, ["s-1"]],
  [
    "one that is not worth it goes",
    [past(1, "Failed", { retryLeft: 1, metadata: { annotations: { [NO_RETRY]: "Incomplete" } } })],
    {},
    ["s-1"],
  ],
  [
    "one that is being deleted counts as gone",
    [past(1, "Succeeded", { metadata: { deletionTimestamp: "2026-11-22T03:00:00Z" } })],
    { limit: 0 },
    [],
  ],
  ["one without labels counts (R27)", [past(1, "Succeeded", { metadata: { labels: {} } })], {}, ["s-1"]],
])("history: %s", (_, siblings, choice, expected) => {
  expect(names(siblings, choice)).toEqual(expected);
});

test("sessions of an invoker that is gone are left to go with it", () => {
  expect(outdatedSessions([past(1, "Succeeded")], { current: session(), isSkipped: false, invoker: undefined })).toEqual([]);
});

test("whatever there is: nothing that runs is removed, and the newest that tells of a backup stays unless no history is wanted", () => {
  const phases = fc.array(fc.constantFrom<Phase>("Succeeded", "Failed", "Skipped", "Running", "Pending"), { maxLength: 8 });
  fc.assert(
    fc.property(phases, fc.integer({ min: -1, max: 5 }), fc.boolean(), (all, limit, isSkipped) => {
      const siblings = all.map((phase, index) => past(index + 1, phase));

      const removed = new Set(names(siblings, { limit, isSkipped }));

      const phaseOf = (name: string) => siblings.find(({ metadata }) => metadata.name === name)?.status?.phase;
      expect([...removed].filter((name) => phaseOf(name) === "Running" || phaseOf(name) === "Pending")).toEqual([]);
      const last = siblings.find(({ status }) => status?.phase === "Succeeded" || status?.phase === "Failed");
      if (limit > 0 && isSkipped && last !== undefined) expect(removed).not.toContain(last.metadata.name);
      expect(siblings.length + 1 - removed.size).toBeGreaterThanOrEqual(Math.min(limit, siblings.length + 1));
    }),
  );
});
