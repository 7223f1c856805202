import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { InspectParts } from "../../runner/inspect.ts";
import { parseParameters } from "../../runner/parameters.ts";
import { openOrCreateRepository } from "../../runner/snapshot/repository.ts";
import { DirectoryStore } from "../../runner/storage/directory-store.ts";
import { forgetSnapshotsCommand, pruneRepository } from "../../runner/tidy.ts";
import { forgetParameters, forgetRules, pruneParameters } from "../../runner/tidy-parameters.ts";
import { passphrase, takeSnapshot } from "./snapshot/snapshot-parts.ts";

let template: string;
let folder: string;
const ids: string[] = [];
const printed: string[] = [];
const ignore = () => undefined;

beforeAll(async () => {
  template = mkdtempSync(join(tmpdir(), "holdfast-tidy-"));
  const repository = await openOrCreateRepository(new DirectoryStore(template), { passphrase, warn: ignore });
  for (const [hour, host] of ["host-0", "host-0", "host-1"].entries()) {
    const now = () => new Date(Date.parse("2020-01-01T00:00:00Z") + hour * 3_600_000);
    ids.push((await takeSnapshot(repository, { a: Buffer.from("some bytes") }, { now, head: { host } })).id);
  }
});
beforeEach(() => {
  printed.length = 0;
  folder = mkdtempSync(join(tmpdir(), "holdfast-tidy-"));
  cpSync(template, folder, { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));
afterAll(() => rmSync(template, { recursive: true }));

const { signal } = new AbortController();
const parts: InspectParts = {
  version: "0.0.0",
  signal,
  log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
  redact: (text) => text,
  sources: {
    environment: { RESTIC_PASSWORD: passphrase.reveal() },
    remember: ignore,
    signal,
    cluster: () => Promise.reject(new Error("No cluster is used")),
  },
  warn: (reason) => {
    throw new Error(reason);
  },
  progress: ignore,
  print: async (text) => {
    printed.push(text);
  },
};

function forget(flags: Record<string, string>) {
  return forgetSnapshotsCommand(
    parseParameters(forgetParameters, { flags: { store: folder, ...flags }, environment: {} }, forgetRules),
    parts,
  );
}
function prune(flags: Record<string, string> = {}) {
  return pruneRepository(parseParameters(pruneParameters, { flags: { store: folder, ...flags }, environment: {} }), parts);
}
const listed = () => readdirSync(join(folder, "holdfast/snapshots")).map((name) => name.replace(".manifest", ""));
const withData = () => readdirSync(join(folder, "holdfast/data"), { recursive: true }).filter((name) => String(name).endsWith(".age"));

test("forget by policy lists what it keeps and removes, group by group, and does it", async () => {
  const success = await forget({ "keep-last": "1" });

  expect(printed.join("")).toBe(
    `redis of AppBinding demo/sample, host host-0:\n  keep ${ids[1]}  (last)\n  forget ${ids[0]}\n` +
      `redis of AppBinding demo/sample, host host-1:\n  keep ${ids[2]}  (last)\n`,
  );
  expect(listed()).toEqual(ids.slice(1));
  expect(withData()).toHaveLength(3);
  expect(success).toMatchObject({ message: "1 snapshot(s) forgotten", counts: { forgotten: 1, kept: 2 } });
});

test("forget with --prune removes the data too, and tells whose", async () => {
  const success = await forget({ "keep-daily": "1", prune: "true" });

  expect(printed.join("")).toContain(`removed 1 object(s), `);
  expect(printed.join("")).toContain(` of ${ids[0]}\n`);
  expect(withData()).toHaveLength(2);
  expect(success.counts).toMatchObject({ objectsRemoved: 1, objectsKept: 2 });
});

test("a dry run lists and leaves everything", async () => {
  const success = await forget({ "keep-last": "1", prune: "true", "dry-run": "true" });

  expect(printed.join("")).toContain(`would forget ${ids[0]}`);
  expect(success.message).toBe("1 snapshot(s) would be forgotten");
  expect([listed(), withData().length]).toEqual([ids, 3]);
});

test("with --json one document is printed", async () => {
  await forget({ "keep-last": "1", prune: "true", json: "true" });

  expect(JSON.parse(printed.join(""))).toMatchObject({
    dryRun: false,
    remove: [ids[0]],
    forgotten: [ids[0]],
    groups: [
      { host: "host-0", keep: [{ id: ids[1], reasons: ["last"] }], remove: [{ id: ids[0] }] },
      { host: "host-1", keep: [{ id: ids[2] }], remove: [] },
    ],
    pruned: { removed: { objects: 1 } },
  });
});

test("one snapshot is forgotten by its id, also the last of its group", async () => {
  await forget({ snapshot: ids[2] as string });

  expect(printed).toEqual([`forget ${ids[2]}\n`]);
  expect(listed()).toEqual(ids.slice(0, 2));
});

test.each<Record<string, string>>([{ hostname: "host-0" }, { target: "sample", hostname: "host-0" }, { target: "demo/AppBinding/sample" }])(
  "target and host narrow what is looked at: %j",
  async (filter) => {
    await forget({ "keep-last": "1", ...filter });

    expect(listed()).toEqual(ids.slice(1));
  },
);

test.each<[string, Record<string, string>, number]>([
  ["nothing to keep", {}, 2],
  ["counts of nought", { "keep-last": "0" }, 2],
  ["a policy and a snapshot", { "keep-last": "1", snapshot: "20300131T235959Z-0123abcd" }, 2],
  ["a snapshot and a host", { hostname: "host-0", snapshot: "20300131T235959Z-0123abcd" }, 2],
  ["a count that is none", { "keep-last": "-1" }, 2],
  ["an id that is none", { snapshot: "latest" }, 2],
  ["an id that is not there", { snapshot: "20300131T235959Z-0123abcd" }, 10],
  ["a target that is not there", { "keep-last": "1", target: "ample" }, 10],
  ["a tag that nothing has", { "keep-tag": "typo" }, 2],
])("forget with %s is refused, and nothing removed", async (_, flags, exitCode) => {
  await expect((async () => forget(flags))()).rejects.toMatchObject({ exitCode });

  expect(listed()).toEqual(ids);
});

test("prune says what it removed and what stays", async () => {
  await forget({ snapshot: ids[0] as string });
  printed.length = 0;

  const would = await prune({ "dry-run": "true", json: "true" });
  const [report] = printed.splice(0);
  const success = await prune();

  expect(would.message).toBe("1 object(s) would be removed");
  expect(JSON.parse(report as string)).toMatchObject({ dryRun: true, removed: { objects: 1 }, snapshots: [{ id: ids[0], objects: 1 }] });
  expect(success.message).toBe("1 object(s) removed");
  expect(printed.join("")).toMatch(
    /^removed 1 object\(s\), \d+ bytes, of .*\nremoved 1 object\(s\), \d+ bytes; 2 object\(s\), \d+ bytes stay\n$/,
  );
  expect(withData()).toHaveLength(2);
});
