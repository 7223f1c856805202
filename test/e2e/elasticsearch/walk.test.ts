import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { SearchServer } from "../../servers/search-server.ts";
import { useElasticsearch } from "../../servers/search-server-pool.ts";
import { flipBit } from "../../tools/flip-bit.ts";
import { diffIndices, type IndexContent, readAll } from "../../tools/search-equality.ts";
import { runHoldfast } from "../holdfast-process.ts";
import { asRestored, describeCluster, fillSampleCluster, readContents } from "./sample-cluster.ts";
import { openScene, type SearchScene } from "./search-scene.ts";

// Objects younger than a day are not pruned.
const IN_TWO_DAYS = {
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(
    "const now=Date.now,D=Date;globalThis.Date=class extends D{constructor(...a){super(...(a.length?a:[now()+1728e5]))}static now(){return now()+1728e5}}",
  )}`,
};

let server: SearchServer;

beforeAll(async () => {
  server = await useElasticsearch("8.19.4");
}, 240_000);
afterAll(() => server[Symbol.asyncDispose]());

test("a cluster's worth of things is backed up, listed, verified, lost, and restored, equal (D9, D12, R13)", async () => {
  await using scene = await openScene(server, "walk");
  const indices = await fillSampleCluster(server, scene.prefix);
  const contents = await readContents(server, indices);
  const before = await describeCluster(server, scene.prefix);

  const backup = await scene.backup(["--open-closed", "--verify-after"]);
  const afterBackup = await describeCluster(server, scene.prefix);
  const list = await scene.run("snapshots", ["--json"]);
  const verify = await scene.run("verify", ["--json"]);
  await scene.destroy();
  const left = await describeCluster(server, scene.prefix);
  const restore = await scene.restore(["--verify-restored"]);

  expect(backup).toMatchObject({ exitCode: 0, report: { outcome: "Succeeded", message: expect.stringContaining("read back") } });
  expect(afterBackup).toEqual(before);
  expect(JSON.parse(list.stdout)).toMatchObject([{ id: backup.report?.snapshot?.id, engine: "elasticsearch" }]);
  expect(JSON.parse(verify.stdout)).toMatchObject({ snapshots: 1, problems: [] });
  expect(left.indices).toEqual({});
  expect(restore).toMatchObject({ exitCode: 0, report: { outcome: "Succeeded", counts: { verifiedByDigest: indices.length } } });
  expect(await describeCluster(server, scene.prefix)).toEqual(before);
  expectEqual(await readContents(server, indices), asRestored(contents));
});

test("what did not change is not stored twice, and outlives the snapshot that brought it", async () => {
  await using scene = await openScene(server, "again");
  const indices = (await fillSampleCluster(server, scene.prefix)).filter((name) => !name.endsWith("-closed"));
  const changed = `${scene.prefix}-sorted`;
  const streamsOf = (id: string | undefined) => filesIn(join(scene.store, `holdfast/data/${id}/indices`));
  // With an asynchronous translog the server itself does not know at once that all is safe.
  await scene.ask(`POST /${scene.prefix}-held/_flush`);

  const first = await scene.backup();
  const second = await scene.backup();
  await scene.ask(`PUT /${changed}/_doc/3?refresh=true`, { a: 3 });
  const third = await scene.backup();
  const contents = await readContents(server, indices);
  const [one, two, three] = [first, second, third].map(({ report }) => report?.snapshot?.id);
  const forgotten = [await scene.run("forget", ["--snapshot", `${one}`]), await scene.run("forget", ["--snapshot", `${two}`])];
  const objectsOfFirst = streamsOf(one).length;
  const pruned = await scene.run("prune", ["--json"], IN_TWO_DAYS);
  const verify = await scene.run("verify");
  await scene.destroy();
  const restore = await scene.restore();

  expect([first, second, third].map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
  expect(first.report?.notCarried).toContainEqual({
    name: `index:${scene.prefix}-closed`,
    reason: expect.stringContaining("--open-closed"),
  });
  expect(second.report?.counts).toMatchObject({ indices: indices.length, unchangedIndices: indices.length });
  expect(streamsOf(two)).toEqual([]);
  expect(third.report?.counts).toMatchObject({ indices: indices.length, unchangedIndices: indices.length - 1 });
  expect(streamsOf(three)).toHaveLength(1);
  expect(forgotten.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  expect(pruned.exitCode).toBe(0);
  expect(JSON.parse(pruned.stdout)).toMatchObject({ snapshots: [{ id: one }, { id: two }] });
  // Only what was read anew is needed no more.
  expect(streamsOf(one)).toHaveLength(objectsOfFirst - 1);
  expect(verify.exitCode).toBe(0);
  expect(restore.exitCode).toBe(0);
  expectEqual(await readContents(server, indices), asRestored(contents));
});

describe("what is there already", () => {
  test("refuses the restore by name before anything is written, or is left, or replaced, as the policy says (R16, R17)", async () => {
    await using scene = await openScene(server, "policy");
    const [here, gone] = await makePair(scene);
    const backedUp = await readContents(server, [here, gone]);
    await scene.backup();
    await scene.ask(`DELETE /${gone}`);
    await scene.ask(`PUT /${here}/_doc/new?refresh=true`, { b: 2 });

    const refused = await scene.restore();
    const afterRefusal = (await readAll(server, here)).size;
    const isGoneStill = !(await names(scene)).includes(gone);
    const skipped = await scene.restore(["--policy", "skip"]);
    const afterSkip = [(await readAll(server, here)).size, (await readAll(server, gone)).size];
    const replaced = await scene.restore(["--policy", "replace"]);

    expect(refused).toMatchObject({ exitCode: 21, report: { outcome: "Failed", code: 21, reason: "TargetNotEmpty" } });
    expect(refused.report?.message).toContain(`these exist: index ${here}`);
    expect(refused.report?.hint).toContain("--policy replace");
    expect([afterRefusal, isGoneStill]).toEqual([3, true]);
    expect(skipped).toMatchObject({ exitCode: 0, report: { counts: { indices: 1, skipped: 1, documents: 2 } } });
    expect(skipped.stderr).toContain(`${here}`);
    expect(afterSkip).toEqual([3, 2]);
    expect(replaced).toMatchObject({ exitCode: 0, report: { counts: { replaced: 2, documents: 4 } } });
    expectEqual(await readContents(server, [here, gone]), backedUp);
  });

  test("stays beside a restore under other names, with aliases of their own", async () => {
    await using scene = await openScene(server, "rename");
    const [one, two] = await makePair(scene);
    const backedUp = await readContents(server, [one, two]);
    await scene.backup();

    const restore = await scene.restore(["--rename", "(.+)=copy-$1", "--verify-restored"]);
    const clash = await scene.restore(["--rename", ".+=the-same"]);

    expect(restore.exitCode).toBe(0);
    const copies = await readContents(server, [`copy-${one}`, `copy-${two}`]);
    expect([...copies.values()].flatMap((copy, at) => diffIndices([...backedUp.values()][at] as IndexContent, copy))).toEqual([]);
    expect(await scene.ask(`GET /copy-${scene.prefix}-both/_alias`)).toMatchObject({ [`copy-${one}`]: {}, [`copy-${two}`]: {} });
    expect(Object.keys((await scene.ask(`GET /${scene.prefix}-both/_alias`)) as object).toSorted()).toEqual([one, two]);
    expect(clash).toMatchObject({ exitCode: 2, report: { message: expect.stringContaining('both get the name "the-same"') } });
  });

  test("does not matter to indices that are not chosen, at a backup and at a restore", async () => {
    await using scene = await openScene(server, "match");
    const [one, two] = await makePair(scene);
    await scene.backup(["--match", `${scene.prefix}-*`, "--match-regex", "-(ONE|two)$"]);
    await scene.ask(`DELETE /${one}`);

    const taken = await scene.restore(["--match", `${scene.prefix}-*,-*-two`]);
    const restore = await scene.restore(["--match", `${scene.prefix}-*,-*-two`, "--policy", "replace"]);
    const alias = await scene.restore(["--match", "nothing-like-it"]);
    const typo = await scene.backup(["--match", `${scene.prefix}-on`]);

    expect(taken).toMatchObject({ exitCode: 21, report: { message: expect.stringContaining(`alias ${scene.prefix}-both`) } });
    expect(restore).toMatchObject({ exitCode: 0, report: { counts: { indices: 1, replaced: 0, documents: 2 } } });
    expect((await names(scene)).toSorted()).toEqual([one, two]);
    expect(alias).toMatchObject({ exitCode: 2, report: { message: expect.stringContaining("No index of the snapshot is chosen") } });
    expect(alias.report?.hint).toContain(one);
    expect(typo).toMatchObject({ exitCode: 2, report: { message: `--match names what is not there: ${scene.prefix}-on` } });
  });
});

test("documents that the target refuses fail the restore, lie in the file of dead letters, and are quoted nowhere else (D10)", async () => {
  await using scene = await openScene(server, "refused");
  const index = `${scene.prefix}-1`;
  await scene.ask(`PUT /${index}`, { settings: { number_of_replicas: 0 }, mappings: { dynamic: false } });
  const lines = Array.from({ length: 50 }, (_, at) => `{"index":{"_id":"${at}"}}\n{"a":${at % 10 === 3 ? '"a canary"' : `${at}.0`}}\n`);
  await scene.ask(`POST /${index}/_bulk?refresh=true`, lines.join(""));
  const before = await readAll(server, index);
  await scene.backup();
  await scene.ask(`DELETE /${index}`);
  // The field is looked into now.
  await scene.ask(`PUT /_index_template/${scene.prefix}`, {
    ...{ index_patterns: [index], priority: 2_000 },
    template: { mappings: { properties: { a: { type: "double" } } } },
  });
  const deadLetters = join(scene.folder, "dead-letters.ndjson");

  const refused = await scene.restore(["--dead-letters", deadLetters, "--verify-restored"]);
  const again = await scene.restore(["--dead-letters", deadLetters, "--policy", "replace"]);

  expect(refused).toMatchObject({ exitCode: 21, report: { code: 21, reason: "DocumentsRefused", outcome: "Failed" } });
  expect(refused.report?.message).toMatch(/refused 5 documents, the first "3" of index .*document_parsing_exception/);
  expect(refused.report?.facts).toMatchObject({ refused: 5, refusedByType: { document_parsing_exception: 5 } });
  expect(refused.stderr + JSON.stringify(refused.report)).not.toContain("canary");
  const letters = readFileSync(deadLetters, "utf8").trimEnd().split("\n");
  expect(letters.map((line) => (JSON.parse(line) as { action: { index: { _id: string } } }).action.index._id).toSorted()).toEqual(
    ["13", "23", "3", "33", "43"].toSorted(),
  );
  expect(letters[0]).toContain('"source":{"a":"a canary"}}');
  await scene.ask(`POST /${index}/_refresh`);
  const written = await readAll(server, index);
  expect(diffIndices(before, written).filter((line) => !line.endsWith("is missing"))).toEqual([]);
  expect(written.size).toBe(45);
  expect(again).toMatchObject({ exitCode: 2, report: { message: expect.stringContaining("it exists") } });
});

test.each<[string, string[], number, RegExp]>([
  ["missing flags, all in one message", ["es-backup"], 2, /--url or --appbinding[\s\S]*--store or --repository/],
  ["a password in the URL, not printed,", ["es-backup", "--url", "http://u:canary@h:1", "--store", "x"], 2, /must not hold a password/],
  ["a policy that is none", ["es-restore", "--url", "http://h:1", "--store", "x", "--policy", "merge"], 2, /--policy[\s\S]*fail/],
  ["a regular expression that is none", ["es-backup", "--url", "http://h:1", "--store", "x", "--match-regex", "("], 2, /--match-regex/],
  ["a new name without a pattern", ["es-restore", "--url", "http://h:1", "--store", "x", "--rename", "copy"], 2, /--rename/],
  ["a restore from a store of nobody", ["es-restore", "--url", "http://127.0.0.1:1", "--store", "FOLDER"], 10, /[Rr]epository/],
  [
    "a server that is not there",
    ["es-backup", "--url", "http://127.0.0.1:1", "--store", "FOLDER", "--wait-timeout", "0"],
    20,
    /127\.0\.0\.1:1/,
  ],
])("%s ends with its exit code, and says what to do", async (_, args, code, message) => {
  await using scene = await openScene(server, "none");

  const outcome = await runHoldfast(args.map((word) => (word === "FOLDER" ? scene.store : word)));

  expect(outcome.exitCode).toBe(code);
  expect(outcome.stderr).toMatch(message);
  expect(outcome.stderr).not.toContain("canary");
});

test("a bit that is flipped in the store is found, and its object named, by verify and by a restore, which ends with 3", async () => {
  await using scene = await openScene(server, "flipped");
  const [one] = await makePair(scene);
  const { report } = await scene.backup();
  const object = filesIn(join(scene.store, `holdfast/data/${report?.snapshot?.id}/indices`))[0] as string;
  await scene.destroy();
  await flipBit(object);

  const verify = await scene.run("verify");
  const restore = await scene.restore();

  expect(verify).toMatchObject({ exitCode: 3, stdout: expect.stringContaining(object.slice(object.indexOf("holdfast/data"))) });
  expect(restore).toMatchObject({ exitCode: 3, report: { outcome: "Failed", facts: { createdIndices: expect.arrayContaining([one]) } } });
});

/** Two small indices with an alias over both. */
async function makePair({ prefix, ask }: SearchScene): Promise<[string, string]> {
  const pair: [string, string] = [`${prefix}-one`, `${prefix}-two`];
  for (const index of pair) {
    await ask(`PUT /${index}`, { settings: { number_of_replicas: 0 }, aliases: { [`${prefix}-both`]: {} } });
    await ask(`POST /${index}/_bulk?refresh=true`, '{"index":{"_id":"1"}}\n{"a":1.0}\n{"index":{"_id":"2"}}\n{"a":9007199254740993}\n');
  }
  return pair;
}

async function names({ prefix }: SearchScene): Promise<string[]> {
  return Object.keys((await describeCluster(server, prefix)).indices);
}

function filesIn(folder: string): string[] {
  const entries = existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : [];
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

function expectEqual(found: ReadonlyMap<string, IndexContent>, expected: ReadonlyMap<string, IndexContent>): void {
  const different = [...expected].map(([name, content]) => [name, diffIndices(content, found.get(name) ?? new Map())]);
  expect(Object.fromEntries(different)).toEqual(Object.fromEntries([...expected.keys()].map((name) => [name, []])));
  expect([...found.keys()]).toEqual([...expected.keys()]);
}
