import { claimName, containerName, jobName, sessionName } from "../../../runner/kubernetes/resolve-names.ts";

const long = "an-invoker-with-a-name-that-is-much-longer-than-usual";

test.each([
  ["BackupSession", "nightly-1", 0, "stash-backup-nightly-1-0"],
  ["BackupSession", "a.b-1", 2, "stash-backup-a-b-1-2"],
  ["RestoreSession", "a.b", 0, "stash-restore-a.b-0"],
])("the Job of %s %s, target %d, is %s", (kind, name, index, expected) => {
  expect(jobName({ kind, name }, index)).toBe(expected);
});

test("a Job's name that is too long keeps its first 32 and its last 31 characters", () => {
  const name = jobName({ kind: "BackupSession", name: `${long}-1700000000` }, 0);

  expect(name).toHaveLength(63);
  expect(name).toBe("stash-backup-an-invoker-with-a-n-longer-than-usual-1700000000-0");
});

test("a name with dots that is cut is a name still", () => {
  expect(jobName({ kind: "RestoreSession", name: "a.".repeat(40).slice(0, -1) }, 0)).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])$/);
});

test("a container is called after its Function and its step", () => {
  expect(containerName("redis-backup-7.0.5", 0)).toBe("redis-backup-7-0-5-0");
});

test("a new session is called after its invoker and the second, within 63 characters", () => {
  const at = new Date("2026-01-02T03:04:05.678Z");

  expect(sessionName("nightly", at)).toBe("nightly-1767323045");
  expect(sessionName(`${long}.-`, at)).toMatch(/^an-invoker.*[a-z]-1767323045$/);
  expect(sessionName(long.repeat(2), at).length).toBeLessThanOrEqual(63);
});

test("a claim is called after its session and its template, within 63 characters", () => {
  expect(claimName("nightly-1", "dump")).toBe("nightly-1-dump");
  expect(claimName(long, "with-a-long-name").length).toBeLessThanOrEqual(63);
  expect(claimName("nightly-1", "")).toBe("nightly-1");
});
