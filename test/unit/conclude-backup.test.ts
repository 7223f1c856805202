import { concludeBackup } from "../../runner/conclude-backup.ts";
import { ClusterRefusedError, StoreUnavailableError } from "../../runner/errors.ts";
import type { HostStats } from "../../runner/kubernetes/status-hosts.ts";
import { openBackupSession } from "../../runner/session.ts";
import { freePort } from "../servers/free-port.ts";
import { failureOf } from "./kubernetes/temporary-manifests.ts";
import { conditionIn, hostIn, makeRunCase, type RunCase, refusing } from "./run-cases.ts";
import { ref, session } from "./session-cases.ts";

const good: HostStats = { hostname: "host-0", phase: "Succeeded", duration: "1s", snapshots: [] };
const bad: HostStats = { hostname: "host-0", phase: "Failed", error: "No database" };
const failed = { kind: "Failed", exitCode: 20, reason: "DatabaseUnavailable" } as const;
const away = new StoreUnavailableError("No answer");

interface Choice {
  readonly stats?: HostStats;
  readonly actions?: readonly string[];
  readonly pushgateway?: string;
  prepare?(): Promise<never>;
}

async function conclude({ cluster, parts }: RunCase, { stats = good, actions = [], pushgateway, prepare }: Choice = {}) {
  const { signal, log, warn } = parts;
  const writer = await openBackupSession(cluster, { session, target: ref, signal, log, warn });
  return concludeBackup(
    {
      ...{ session: writer, stats, host: "host-0", samplePercent: 10, pushgateway },
      prepare: prepare ?? (async () => ({ actions, openRepository: () => Promise.reject(away) })),
      describe: async () => ({ target: { namespace: "demo", name: "sample", type: "" }, engine: "sample", outcome: failed }),
    },
    parts,
  );
}

test("the host's outcome stands in the session before anything is looked up for what follows (R5)", async () => {
  await using run = await makeRunCase();
  let seen: unknown;

  await conclude(run, {
    prepare: async () => {
      seen = hostIn(await run.status())?.phase;
      throw away;
    },
  });

  expect(seen).toBe("Succeeded");
});

test("an outcome that cannot be told is a failure at once, and nothing follows (R4)", async () => {
  const refused = new ClusterRefusedError("No right");
  await using run = await makeRunCase({ verbs: refusing(refused) });
  const prepare = () => Promise.reject(new Error("Something followed"));

  expect(await failureOf(conclude(run, { prepare }))).toBe(refused);
  expect(run.writes).toEqual([]);
});

test("after a failure nothing is opened, and no condition is written", async () => {
  await using run = await makeRunCase();

  const outcome = await conclude(run, { stats: bad, actions: ["ApplyRetentionPolicy", "SendRepositoryMetrics"] });

  expect(outcome).toEqual({});
  expect(run.writes).toEqual(["BackupSession", "Event HostBackupFailed"]);
  expect((await run.status()).conditions).toBeUndefined();
});

test("what cannot even be prepared after a success is its failure", async () => {
  await using run = await makeRunCase();

  expect(await conclude(run, { prepare: () => Promise.reject(away) })).toEqual({ failure: away });
});

test("a gateway that is away is told by the condition's reason, and fails nothing (R1)", async () => {
  await using run = await makeRunCase();

  await conclude(run, { actions: ["SendRepositoryMetrics"], pushgateway: `http://127.0.0.1:${await freePort()}` });

  expect(conditionIn(await run.status(), "RepositoryMetricsPushed")).toMatchObject({
    status: "True",
    reason: "FailedToPushRepositoryMetrics",
  });
  expect(run.writes).toContain("Event FailedToPushMetrics");
  expect(run.warnings.join()).toContain("FailedToPushMetrics");
});

test("what an earlier try has said of the metrics is left", async () => {
  await using run = await makeRunCase();
  const earlier = { type: "RepositoryMetricsPushed", status: "True", reason: "Earlier" };
  await run.cluster.updateStatus("BackupSession", session, (status) => ({ ...status, conditions: [earlier] }));

  await conclude(run, { actions: ["SendRepositoryMetrics"] });

  expect(conditionIn(await run.status(), "RepositoryMetricsPushed")).toEqual(earlier);
});
