import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { functions } from "../../../functions/index.ts";
import { parseCommandLine } from "../../../runner/command-line.ts";
import { type Command, commandsFor } from "../../../runner/commands.ts";
import { parseParameters } from "../../../runner/parameters.ts";
import { type ShippedVariables, shippedEsBackupArguments, shippedEsRestoreArguments } from "../stash-mode/shipped-arguments.ts";

const commands = commandsFor(functions);
const filled: ShippedVariables = { targetName: "es", secretName: "storage", secretNamespace: "vault", provider: "local" };

function read(argv: readonly string[], environment: Record<string, string> = {}): Record<string, unknown> {
  const line = parseCommandLine(argv, commands, { version: "0.0.0" });
  if (line.kind !== "run") throw new Error(line.text);
  const command = commands.find(({ name }) => name === line.command) as Command;
  return parseParameters(command.parameters, { flags: line.flags, environment }, command.rules);
}

const must = ["--appbinding=es", "--storage-secret-name=storage", "--storage-secret-namespace=vault", "--provider=local"];
const both = {
  ...{ namespace: "default", appbinding: "es", appbindingNamespace: undefined, provider: "local", hostname: "host-0" },
  ...{ waitTimeout: 300_000, outputDir: undefined, userArguments: undefined },
};

test("the arguments that Stash ships are read with every variable left out: empty means not set", () => {
  const path = "/stash-tmp/stash-interim-volume/data";

  expect(read(shippedEsBackupArguments(filled))).toMatchObject({ ...both, backupsession: undefined, shownPath: path });
  expect(read(shippedEsRestoreArguments(filled))).toMatchObject({
    ...both,
    sourceHostname: undefined,
    snapshot: "latest",
    shownPath: path,
  });
});

test("and with every variable filled in", () => {
  const all = {
    ...filled,
    ...{ provider: "s3", bucket: "b", endpoint: "https://s3:9000", insecureTls: "true", region: "eu-1", prefix: "/p/q" },
    ...{ hostname: "a", args: "--match=^a --ignoreType=template", waitTimeout: "60", namespace: "demo", targetNamespace: "data" },
    ...{ outputDir: "/tmp/out", interimDataDir: "/stash-interim-volume/data" },
  };
  const expected = {
    ...{ provider: "s3", bucket: "b", endpoint: "https://s3:9000", insecureTls: true, region: "eu-1", path: "/p/q", hostname: "a" },
    ...{ userArguments: "--match=^a --ignoreType=template", waitTimeout: 60_000, namespace: "demo", appbindingNamespace: "data" },
    ...{ outputDir: "/tmp/out", shownPath: "/stash-interim-volume/data" },
  };

  expect(read(shippedEsBackupArguments({ ...all, backupSession: "s-1" }))).toMatchObject({ ...expected, backupsession: "s-1" });
  expect(read(shippedEsRestoreArguments({ ...all, sourceHostname: "b", snapshot: "4bc21d6f" }))).toMatchObject({
    ...expected,
    sourceHostname: "b",
    snapshot: "4bc21d6f",
  });
});

test.each(["--es-args", "--interim-data-dir", "--wait-timeout", "--scratch-dir", "--max-connections", "--license-apiservice"])(
  "%s is read with its value behind it, glued to it, and empty, by both",
  (flag) => {
    for (const command of ["backup-es", "restore-es"]) {
      expect(read([command, ...must, flag, "7"])).toEqual(read([command, ...must, `${flag}=7`]));
      expect(read([command, ...must, `${flag}=`])).toEqual(read([command, ...must]));
    }
  },
);

test.each([
  ["backup-es", "--enable-dashboard-backup", "--enable-dashboard-restore"],
  ["restore-es", "--enable-dashboard-restore", "--enable-dashboard-backup"],
])("%s accepts %s while it is off; on it is refused by name, since saved objects would be missed", (command, flag, other) => {
  const off = ["=", "=false", "=0"].map((text) => read([command, ...must, `${flag}${text}`]));

  expect(off).toEqual(off.map(() => read([command, ...must])));
  for (const on of [flag, `${flag}=true`, `${flag}=1`]) {
    expect(() => read([command, ...must, on])).toThrow(
      expect.objectContaining({
        exitCode: 2,
        message: expect.stringMatching(new RegExp(`${flag} is .*: expected false, since saved objects`)),
      }),
    );
  }
  expect(() => read([command, ...must, `${other}=false`])).toThrow(new RegExp(`unknown flag ${other}`));
});

test("a refused switch leaves a failure for update-status", () => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-es-stash-"));
  const command = commands.find(({ name }) => name === "backup-es") as Command;
  const argv = shippedEsBackupArguments({ ...filled, dashboards: "true", outputDir: folder });
  const report = { code: 2, outcome: "Failed", message: "--enable-dashboard-backup is refused", durationSeconds: 0 } as never;

  try {
    const code = command.outputs?.refuse(argv.slice(1), report);

    const output = JSON.parse(readFileSync(join(folder, "output.json"), "utf8"));
    expect(code).toBe(0);
    expect(output.targetStatus.stats).toEqual([
      expect.objectContaining({ phase: "Failed", error: "--enable-dashboard-backup is refused" }),
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("unknown flags, and those of the other addon, are refused by name", () => {
  expect(() => read(["backup-es", ...must, "--redis-args=x"])).toThrow(/unknown flag --redis-args/);
  expect(() => read(["restore-es", ...must, "--backupsession=x"])).toThrow(/unknown flag --backupsession/);
  expect(() => read(["backup-redis", ...must, "--interim-data-dir=/x"])).toThrow(/unknown flag --interim-data-dir/);
});

test("our own flags, and their variables, are read beside Stash's", () => {
  expect(read(["restore-es", ...must, "--policy=replace", "--match=a*"])).toMatchObject({ policy: "replace", match: "a*" });
  expect(read(["backup-es", ...must], { HOLDFAST_ES_FULL: "true" })).toMatchObject({ full: true });
});

test("every flag and every parameter has a name of its own", () => {
  for (const { name, parameters } of commands) {
    const flags = Object.values(parameters).map(({ flag }) => flag);

    expect([name, flags.length]).toEqual([name, new Set(flags).size]);
  }
  for (const { parameters: own, stash } of functions) {
    const addon = commands.find(({ name }) => name === stash?.name)?.parameters ?? {};

    expect(Object.entries(own).filter(([name, parameter]) => addon[name] !== parameter)).toEqual([]);
  }
});
