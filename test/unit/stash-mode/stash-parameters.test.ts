import { readFileSync } from "node:fs";
import { functions } from "../../../functions/index.ts";
import { parseCommandLine } from "../../../runner/command-line.ts";
import { type Command, commandsFor } from "../../../runner/commands.ts";
import { parseParameters } from "../../../runner/parameters.ts";
import { shippedBackupArguments, shippedRestoreArguments } from "./shipped-arguments.ts";

const commands = commandsFor(functions);

function read(argv: readonly string[], environment: Record<string, string> = {}): Record<string, unknown> {
  const line = parseCommandLine(argv, commands, { version: "0.0.0" });
  if (line.kind !== "run") throw new Error(line.text);
  const command = commands.find(({ name }) => name === line.command) as Command;
  return parseParameters(command.parameters, { flags: line.flags, environment }, command.rules);
}

const must = ["--appbinding=db", "--storage-secret-name=storage", "--storage-secret-namespace=vault", "--provider=local"];
const backup = (...flags: string[]) => read(["backup-redis", ...must, ...flags]);
const restore = (...flags: string[]) => read(["restore-redis", ...must, ...flags]);

const both = {
  namespace: "default",
  appbinding: "db",
  appbindingNamespace: undefined,
  storageSecretName: "storage",
  storageSecretNamespace: "vault",
  provider: "local",
  bucket: undefined,
  endpoint: undefined,
  region: undefined,
  path: undefined,
  insecureTls: false,
  hostname: "host-0",
  waitTimeout: 300_000,
  outputDir: undefined,
  userArguments: undefined,
};

test("what is not given has the addon's defaults", () => {
  expect(backup()).toMatchObject({ ...both, backupsession: undefined });
  expect(restore()).toMatchObject({ ...both, sourceHostname: undefined, snapshot: "latest" });
});

test("the arguments that Stash ships are read with every variable left out: empty means not set", () => {
  const filled = { targetName: "db", secretName: "storage", secretNamespace: "vault", provider: "local" };

  expect(read(shippedBackupArguments(filled))).toMatchObject({ ...both, backupsession: undefined });
  expect(read(shippedRestoreArguments(filled))).toMatchObject({ ...both, sourceHostname: undefined, snapshot: "latest" });
});

test("and with every variable filled in", () => {
  const filled = {
    ...{ provider: "s3", bucket: "b", endpoint: "https://s3:9000", insecureTls: "true", region: "eu-1", prefix: "/p/q" },
    ...{ secretName: "storage", secretNamespace: "vault", hostname: "a", args: "-db 1", waitTimeout: "60", namespace: "demo" },
    ...{ targetName: "db", targetNamespace: "data", outputDir: "/tmp/out" },
  };
  const expected = {
    ...{ provider: "s3", bucket: "b", endpoint: "https://s3:9000", insecureTls: true, region: "eu-1", path: "/p/q" },
    ...{ storageSecretName: "storage", storageSecretNamespace: "vault", hostname: "a", userArguments: "-db 1", waitTimeout: 60_000 },
    ...{ namespace: "demo", appbinding: "db", appbindingNamespace: "data", outputDir: "/tmp/out" },
  };

  expect(read(shippedBackupArguments({ ...filled, backupSession: "s-1" }))).toMatchObject({ ...expected, backupsession: "s-1" });
  expect(read(shippedRestoreArguments({ ...filled, sourceHostname: "b", snapshot: "4bc21d6f" }))).toMatchObject({
    ...expected,
    sourceHostname: "b",
    snapshot: "4bc21d6f",
  });
});

test.each([
  ["--master", "https://api"],
  ["--kubeconfig", "/etc/kubeconfig"],
  ["--namespace", "demo"],
  ["--appbinding-namespace", "data"],
  ["--bucket", "b"],
  ["--endpoint", "e"],
  ["--region", "r"],
  ["--path", "p"],
  ["--scratch-dir", "/stash-tmp"],
  ["--max-connections", "3"],
  ["--hostname", "a"],
  ["--wait-timeout", "20"],
  ["--output-dir", "/tmp/out"],
  ["--redis-args", "-db 1"],
  ["--license-apiservice", "v1"],
])("%s is read with its value behind it, glued to it, and empty, by both", (flag, value) => {
  for (const read of [backup, restore]) {
    expect(read(flag, value)).toEqual(read(`${flag}=${value}`));
    expect(read(`${flag}=`)).toEqual(read());
  }
});

test.each([
  ["backup", "--backupsession", "s"],
  ["backup", "--retention-keep-last", "5"],
  ["backup", "--retention-keep-hourly", "5"],
  ["backup", "--retention-keep-daily", "5"],
  ["backup", "--retention-keep-weekly", "5"],
  ["backup", "--retention-keep-monthly", "5"],
  ["backup", "--retention-keep-yearly", "5"],
  ["backup", "--retention-keep-tags", "a,b"],
  ["restore", "--source-hostname", "a"],
  ["restore", "--snapshot", "4bc21d6f"],
  ["restore", "--n", "20"],
])("of %s: %s", (command, flag, value) => {
  const [own, other] = command === "backup" ? [backup, restore] : [restore, backup];

  expect(own(flag, value)).toEqual(own(`${flag}=${value}`));
  expect(own(`${flag}=`)).toEqual(own());
  expect(() => other(flag, value)).toThrow(new RegExp(`unknown flag ${flag}`));
});

test.each(["insecure-tls", "enable-cache", "retention-prune", "retention-dry-run"])("--%s is a switch as Go reads one", (flag) => {
  const name = flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  const value = (...words: string[]) => backup(...words)[name];

  for (const text of ["", "=true", "=1", "=T", "=TRUE"]) expect(value(`--${flag}${text}`)).toBe(true);
  for (const text of ["=", "=false", "=0", "=F"]) expect(value(`--${flag}${text}`)).toBe(false);
  expect(value(`--${flag}`, "--namespace=x")).toBe(true);
  expect(value()).toBe(false);
  expect(() => backup(`--${flag}=perhaps`)).toThrow(new RegExp(`--${flag} is "perhaps": expected true or false`));
});

test.each([
  "--v=3",
  "--v 3",
  "-v=3",
  "-v3",
  "-v 3",
  "--logtostderr",
  "--logtostderr=true",
  "--alsologtostderr",
  "--alsologtostderr=false",
  "--stderrthreshold=ERROR",
  "--log-dir=/tmp",
  "--log_dir=/tmp",
  "--log_file_max_size=1800",
  "--log_backtrace_at=:0",
  "--skip_headers",
  "--vmodule=a=1",
  "--one_output",
])("%s of Stash's logging is accepted and without effect", (text) => {
  for (const read of [backup, restore]) expect(read(...text.split(" "))).toMatchObject(both);
});

test.each(["appbinding", "storage-secret-name", "storage-secret-namespace", "provider"])(
  "without --%s, or with an empty one, both say which is missing",
  (flag) => {
    const others = must.filter((word) => !word.startsWith(`--${flag}=`));

    for (const command of ["backup-redis", "restore-redis"]) {
      expect(() => read([command, ...others])).toThrow(
        expect.objectContaining({ exitCode: 2, message: `--${flag} is required: ${expected(flag)}` }),
      );
      expect(() => read([command, ...others, `--${flag}=`])).toThrow(new RegExp(`--${flag} is "": expected ${expected(flag)}`));
    }
  },
);

function expected(flag: string): string {
  const command = commands.find(({ name }) => name === "backup-redis");
  return Object.values(command?.parameters ?? {}).find((parameter) => parameter.flag === flag)?.expected ?? "";
}

test("all that is missing or wrong stands in one message", () => {
  expect(() => read(["backup-redis", "--max-connections=many", "--wait-timeout=soon"])).toThrow(
    /(?=.*--appbinding )(?=.*--storage-secret-name )(?=.*--storage-secret-namespace )(?=.*--provider )(?=.*--max-connections is "many")(?=.*--wait-timeout is "soon")/s,
  );
});

test("unknown flags are refused by name", () => {
  expect(() => backup("--es-args=x", "--interim-data-dir", "/tmp")).toThrow(/unknown flag --es-args.*unknown flag --interim-data-dir/s);
});

test("the environment does not set what Stash's command line sets, since jobs carry variables for others", () => {
  const environment = { NAMESPACE: "other", TARGET_NAME: "other", TARGET_NAMESPACE: "other", HOSTNAME: "pod-x", SOURCE_HOSTNAME: "other" };

  expect(read(["backup-redis", ...must], { ...environment, BACKUP_SESSION: "other", waitTimeout: "1" })).toMatchObject(both);
  expect(read(["restore-redis", ...must], { ...environment, RESTORE_SNAPSHOTS: "other" })).toMatchObject({ ...both, snapshot: "latest" });
});

test("our own flags, and their variables, are read beside Stash's", () => {
  expect(read(["restore-redis", ...must, "--policy=replace", "--log-format=json"])).toMatchObject({ policy: "replace", logFormat: "json" });
  expect(read(["restore-redis", ...must], { HOLDFAST_POLICY: "skip", HOLDFAST_TIMEOUT: "1h" })).toMatchObject({
    policy: "skip",
    timeout: 3_600_000,
  });
});

test("every flag has a name of its own", () => {
  for (const { name, parameters } of commands) {
    const flags = Object.values(parameters).map(({ flag }) => flag);

    expect([name, flags.length]).toEqual([name, new Set(flags).size]);
  }
});

test("functions/redis/README.md names every flag that has an effect", () => {
  const readme = readFileSync(new URL("../../../functions/redis/README.md", import.meta.url), "utf8");
  const names = [
    "bucket",
    "endpoint",
    "region",
    "path",
    "insecure-tls",
    "hostname",
    "source-hostname",
    "snapshot",
    "backupsession",
    "output-dir",
  ];

  for (const flag of [...names, "wait-timeout", "redis-args", "storage-secret-name", "provider", "appbinding"]) {
    expect(readme).toContain(`--${flag}`);
  }
});
