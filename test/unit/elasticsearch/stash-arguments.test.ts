import { esBackupParameters, esRestoreParameters } from "../../../functions/elasticsearch/parameters.ts";
import { readBackupArguments, readRestoreArguments } from "../../../functions/elasticsearch/stash-arguments.ts";
import type { DatabaseConnection, ParameterTable } from "../../../runner/function.ts";
import { parseParameters } from "../../../runner/parameters.ts";

const words = (text: string) => text.split(" ").filter((word) => word !== "");
const backup = (text: string) => readBackupArguments(words(text));
const restore = (text: string) => readRestoreArguments(words(text));
const parse = (table: ParameterTable, text: ReturnType<typeof backup>) => parseParameters(table, { flags: text.flags, environment: {} });

const connection: DatabaseConnection = {
  description: "https://es:9200",
  scheme: "https",
  host: "es",
  port: 9200,
  path: "",
  tls: { verify: true },
  credentials: new Map(),
};

test("no arguments change nothing", () => {
  for (const read of [backup, restore]) {
    const { flags, warnings, words: understood, connect } = read("");

    expect([flags, warnings, understood]).toEqual([{}, [], []]);
    expect(connect(connection)).toEqual(connection);
  }
});

test("the arguments of Stash's own guide choose indices by a regular expression, and say what a backup holds all the same", () => {
  const { flags, warnings } = backup("--match=^(?![.])(?!searchguard).+ --ignoreType=template");

  expect(parse(esBackupParameters, backup("--match=^(?![.])(?!searchguard).+"))).toMatchObject({
    match: undefined,
    matchRegex: "^(?![.])(?!searchguard).+",
    matchNamesOnly: true,
  });
  expect(Object.keys(flags).sort()).toEqual(["match-names-only", "match-regex"]);
  expect(warnings).toEqual([expect.stringMatching(/^The backup holds settings, mappings, aliases and templates/)]);
});

test.each([
  "--ignoreType=template,settings",
  "--ignoreType=settings,template",
  "--ignoreType template --ignoreSettings",
  "--includeType=data,mapping",
])("%s of a restore leaves templates out; that indices keep their settings, and are not filled up, is said", (text) => {
  const { flags, warnings } = restore(text);

  expect(parse(esRestoreParameters, { ...restore(""), flags })).toMatchObject({ indicesOnly: true, policy: "fail" });
  expect(warnings.toSorted()).toEqual([
    expect.stringMatching(/^Because templates are left out, no pipelines, policies and scripts/),
    expect.stringMatching(/^Indices are made with the settings and mappings of the backup .*--policy/),
  ]);
});

test("a type that is left out twice is told of once", () => {
  expect(backup("--ignoreType=template,settings --ignoreMapping=true").warnings).toHaveLength(1);
  expect(restore("--ignoreType=mapping,settings").warnings).toHaveLength(1);
});

test.each([
  "--ignoreType=",
  "--ignoreType=analyzer,index",
  "--ignoreTemplate=false",
  "--ignoreData false",
  "--ignoreAlias=false",
  "--ignoreAnalyzer=true",
  "--includeType=data,mapping,settings,template",
  "--includeType=data,mapping,settings,template,alias,analyzer",
])("%s leaves nothing out", (text) => {
  expect(restore(text)).toMatchObject({ flags: {}, warnings: [] });
});

test.each([
  ["--quiet --debug=false --support-big-int --fsCompress true --noRefresh --searchAfter=true --pit=true"],
  ["--limit=10000 --order=asc --interval=500 --concurrency=5 --intervalCap 10 --concurrencyInterval=1000 --maxSockets=10"],
  ["--retryAttempts=5 --retryDelay 1000 --ignore-es-write-errors=false --ignoreChildError=false --delete=false"],
  ["--size=-1 --offset=0 --matchType=alias --timeout=60000"],
])("%s makes no difference", (text) => {
  for (const read of [backup, restore]) {
    const { flags, warnings, connect } = read(text);

    expect([flags, warnings, connect(connection)]).toEqual([{}, [], connection]);
  }
});

test.each(["--ignoreChildError", "--ignore-errors=true", "--ignore-es-write-errors true"])(
  "%s is a permission that is not used, and it is said so",
  (text) => {
    for (const read of [backup, restore]) {
      expect(read(text)).toMatchObject({ flags: {}, warnings: [expect.stringMatching(/^Nothing that fails is passed over/)] });
    }
  },
);

test("how many indices at once says how many requests at once, within our own bounds", () => {
  expect(parse(esBackupParameters, backup("--parallel=1"))).toMatchObject({ concurrency: 1 });
  expect(parse(esRestoreParameters, restore("--parallel 500"))).toMatchObject({ concurrency: 64 });
});

test("a longer limit for requests is kept, a shorter one is not", () => {
  expect(parse(esBackupParameters, backup("--timeout=600000"))).toMatchObject({ idleTimeoutMs: 600_000 });
  expect(parse(esRestoreParameters, restore("--timeout=1000"))).toMatchObject({ idleTimeoutMs: 120_000 });
  expect(parse(esBackupParameters, backup("--timeout=999999999999999"))).toMatchObject({ idleTimeoutMs: 576 * 3_600_000 });
});

test.each([
  ["--scrollTime=30m", 1_800_000],
  ["--scrollTime 1d", 86_400_000],
  ["--pitKeepAlive=90s", 90_000],
])("%s says how long the server keeps a cursor; a restore has none", (text, keepAliveMs) => {
  expect(parse(esBackupParameters, backup(text))).toMatchObject({ keepAliveMs });
  expect(restore(text).flags).toEqual({});
});

test("our own flags may stand among them, a pattern of names as a regular expression", () => {
  const saved = backup("--full --skip-hidden=false --match-regex=^a --es-cursor scroll --limit 10");
  const restored = restore("--policy replace --rename=(.+)=old-$1 --indices-only --verify-restored true --match=^a");

  expect(parse(esBackupParameters, saved)).toMatchObject({
    full: true,
    skipHidden: false,
    matchRegex: "^a",
    matchNamesOnly: false,
    cursor: "scroll",
  });
  expect(parse(esRestoreParameters, restored)).toMatchObject({
    ...{ policy: "replace", rename: "(.+)=old-$1", indicesOnly: true, verifyRestored: true, matchRegex: "^a" },
    matchNamesOnly: true,
  });
});

test.each([
  ["--ignoreData", /--ignoreData: a backup always holds the documents/],
  ["--ignoreType=data,canary", /--ignoreType: expected some of data,mapping/],
  ["--ignoreType=template,data", /--ignoreType: a backup always holds the documents/],
  ["--includeType=mapping,settings", /--includeType: a backup always holds the documents/],
  ["--size=100", /--size: a backup always holds every document/],
  ["--offset 10", /--offset: a backup always/],
  ['--searchBody={"query":{"term":{"canary":1}}}', /--searchBody: a backup always/],
  ["--searchWithTemplate", /--searchWithTemplate: a backup always/],
  ["--sourceOnly=true", /--sourceOnly: the ids/],
  ["--prefix=canary", /--prefix: .*--rename/],
  ["--scrollTime=canary", /--scrollTime: expected a time such as "10m"/],
  ["--scrollTime=1s", /--scrollTime: expected at least 10s/],
  ["--parallel=canary", /--parallel: expected a whole number/],
  ["--timeout=canary", /--timeout: expected milliseconds/],
  ["--match=(canary", /--match: expected a regular expression/],
  ["--match=", /--match: expected a regular expression/],
  ["--match=a --match=canary", /--match: it is given twice/],
  ["--match-regex=a --match=canary", /--match: it is given twice/],
  ["--policy=replace", /--policy: this argument is not known/],
])("a backup refuses %s by name, without its value", (text, message) => {
  expect(() => backup(text)).toThrow(expect.objectContaining({ exitCode: 2, message: expect.stringMatching(message) }));
  expect(() => backup(text)).not.toThrow(/canary/);
});

test.each([
  ["--ignoreType=data", /--ignoreType: a restore always writes the documents/],
  ["--ignoreAlias", /--ignoreAlias: aliases are restored/],
  ["--skip-existing", /--skip-existing: .*--policy=skip.*--policy=replace/],
  ["--bulkAction=create", /--bulkAction: documents are written as they were/],
  ["--size=5", /--size: a restore writes every document/],
  ["--suffix=canary", /--suffix: say --rename/],
  ["--full", /--full: this argument is not known/],
])("a restore refuses %s by name, without its value", (text, message) => {
  expect(() => restore(text)).toThrow(expect.objectContaining({ exitCode: 2, message: expect.stringMatching(message) }));
  expect(() => restore(text)).not.toThrow(/canary/);
});

test.each([
  ["--input=https://canary@es:9200", /--input: the AppBinding/],
  ["--output canary", /--output: the AppBinding/],
  ["--direction=load", /--direction: the AppBinding/],
  ['--headers={"Authorization":"canary"}', /--headers: requests are sent as they are/],
  ["--ca=/canary", /--ca: .*caBundle/],
  ["--ca-input=/canary", /--ca-input: .*caBundle/],
  ["--input-cert /canary --input-key /canary", /--input-cert: .*tlsSecret.*--input-key: .*tlsSecret/],
  ["--pass=canary", /--pass: a password/],
  ["--httpAuthFile=/canary", /--httpAuthFile: a password/],
  ["--awsAccessKeyId=canary", /--awsAccessKeyId: requests are not signed/],
  ["--awsChain", /--awsChain: requests are not signed/],
  ["--s3Bucket=canary", /--s3Bucket: the Repository/],
  ["--transform=doc._source.canary=1", /--transform: programs of users/],
  ["--delete", /--delete: nothing is ever deleted/],
  ["--handleVersion", /--handleVersion: versions/],
  ["--templateRegex=canary", /--templateRegex: templates/],
  ["--type=data", /--type: .*--ignoreType/],
  ["--match", /--match: its value is missing/],
  ["--quiet=perhaps", /--quiet: expected true or false/],
  ["--unheard-of=canary", /--unheard-of: this argument is not known/],
  ["--constructor", /--constructor: this argument is not known/],
  ["-u user:canary", /-u: this argument is not known; a word that belongs to no argument/],
  ["canary", /a word that belongs to no argument/],
])("both refuse %s by name, without its value", (text, message) => {
  for (const read of [backup, restore]) {
    expect(() => read(text)).toThrow(expect.objectContaining({ exitCode: 2, message: expect.stringMatching(message) }));
    expect(() => read(text)).not.toThrow(/canary/);
  }
});

test("a quoted argument is not put together again: what Stash split at its spaces is refused, not guessed at (R18)", () => {
  expect(() => backup("--match='a b'")).toThrow(/a word that belongs to no argument/);
});
