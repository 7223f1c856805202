import { dirname, join } from "node:path";
import { execa } from "execa";
import { backupSamples } from "../../../runner/metrics/backup-samples.ts";
import type { Sample } from "../../../runner/metrics/metrics.ts";
import { jobName, type PushGroup, repositoryGroup, sessionGroup, targetGroup } from "../../../runner/metrics/push-group.ts";
import { pushMetrics } from "../../../runner/metrics/push-metrics.ts";
import { repositorySamples } from "../../../runner/metrics/repository-samples.ts";
import { restoreSamples } from "../../../runner/metrics/restore-samples.ts";
import * as session from "../../../runner/metrics/session-samples.ts";
import { ensureProgram } from "../../servers/install.ts";
import { parseExposition, startPushgateway } from "../../servers/pushgateway.ts";
import { files } from "../../tools/write-metrics-files.ts";
import * as facts from "../../unit/metrics/metric-facts.ts";
import { STASH_CONTRACT } from "../../unit/metrics/stash-contract.ts";

const alerts = dirname(files.rules);
let promtool: string;

beforeAll(async () => {
  promtool = await ensureProgram("promtool");
});

test("promtool finds nothing wrong with the alert rules", async () => {
  const { stdout } = await execa(promtool, ["check", "rules", "--lint=all", "--lint-fatal", files.rules]);

  expect(stdout).toMatch(/SUCCESS: \d+ rules found/);
});

test("every alert fires when it should and only then, as promtool plays it", async () => {
  const { stdout } = await execa(promtool, ["test", "rules", join(alerts, "holdfast.rules.test.yaml")]);

  expect(stdout).toContain("SUCCESS");
});

test("promtool finds nothing wrong with our own series as the gateway shows them, and with Stash's only what their names bring along", async () => {
  await using gateway = await startPushgateway();
  const push = (samples: readonly Sample[], { invoker, group }: { invoker: Parameters<typeof jobName>[0]; group: PushGroup }) =>
    pushMetrics(samples, { url: gateway.url, job: jobName(invoker), group });
  const { invoker, target, repository } = facts.backupFacts();
  const restore = facts.restoreFacts().invoker;
  const results = [
    await push(backupSamples(facts.backupFacts()), { invoker, group: targetGroup(target) }),
    await push(repositorySamples(facts.repositoryFacts()), { invoker, group: repositoryGroup(repository) }),
    await push(session.backupSessionSamples(facts.sessionFacts()), { invoker, group: sessionGroup }),
    await push(session.backupTargetSamples(facts.targetFacts()), { invoker, group: targetGroup(target) }),
    await push(restoreSamples(facts.restoreFacts()), { invoker: restore, group: targetGroup(target) }),
    await push(session.restoreSessionSamples(facts.restoreSessionFacts()), { invoker: restore, group: sessionGroup }),
    await push(session.restoreTargetSamples(facts.targetFacts()), { invoker: restore, group: targetGroup(target) }),
  ];
  const exposition = await gateway.exposition();

  const ours = await check(exposition, "holdfast_");
  const stash = await check(exposition, "stash_");

  expect(results.filter(({ isPushed }) => !isPushed)).toEqual([]);
  expect(ours).toEqual([]);
  expect(stash.filter((problem) => !/_(total|count) non-(counter|histogram)/.test(problem))).toEqual([]);
  const names = new Set(parseExposition(exposition).map(({ name }) => name));
  expect(STASH_CONTRACT.filter(({ name, legacyName }) => !(names.has(name) && names.has(legacyName)))).toEqual([]);
});

/** What promtool says about the families whose names begin so; a line each. */
async function check(exposition: string, prefix: string): Promise<string[]> {
  const input = exposition
    .split("\n")
    .filter((line) => line.replace(/^# (HELP|TYPE) /, "").startsWith(prefix))
    .join("\n");
  expect(input).not.toBe("");
  const { stderr, exitCode } = await execa(promtool, ["check", "metrics"], { input: `${input}\n`, reject: false });
  const problems = stderr.split("\n").filter((line) => line !== "");
  // Otherwise a promtool that cannot read its input would look like one that finds nothing.
  expect([exitCode, problems.length > 0]).toEqual(problems.length > 0 ? [3, true] : [0, false]);
  return problems;
}
