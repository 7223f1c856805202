import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { parseAllDocuments } from "yaml";
import { functions } from "../../functions/index.ts";
import { parseCommandLine } from "../../runner/command-line.ts";
import { commandsFor } from "../../runner/commands.ts";
import { ParameterError } from "../../runner/errors.ts";
import { parseObject } from "../../runner/kubernetes/parse-object.ts";
import { readManifests } from "../../runner/kubernetes/read-manifests.ts";
import { resolveJob } from "../../runner/kubernetes/resolve-job.ts";
import { substitute } from "../../runner/kubernetes/substitute.ts";
import { parseParameters } from "../../runner/parameters.ts";
import { showStashManifests, stashManifestsParameters } from "../../runner/stash-manifests.ts";

import { backup, repository, restore } from "./kubernetes/resolve-parts.ts";

const root = join(import.meta.dirname, "../..");
const image = "registry.example/holdfast:1";

interface Printed {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

async function show(flags: Readonly<Record<string, string>> = {}): Promise<readonly Printed[]> {
  const printed: string[] = [];
  const parameters = parseParameters(stashManifestsParameters, { flags: { image, ...flags }, environment: {} });
  await showStashManifests(parameters, {
    functions,
    print: async (text) => {
      printed.push(text);
    },
  });
  return parseAllDocuments(printed.join("")).map((document) => document.toJS());
}

const label = ({ kind, metadata }: { kind: string; metadata: { name: string } }) => `${kind} ${metadata.name}`;

const versions = {
  redis: ["5.0.13", "6.2.5", "7.0.5"],
  elasticsearch: ["5.6.4", "6.2.4", "6.3.0", "6.4.0", "6.5.3", "6.8.0", "7.2.0", "7.3.2", "7.14.0", "8.2.0"],
};

test("every version that Stash ships has its Functions and Tasks, and update-status stands once", async () => {
  const objects = await show();

  const names = Object.entries(versions).flatMap(([engine, each]) =>
    ["backup", "restore"].flatMap((work) => each.map((version) => `${engine}-${work}-${version}`)),
  );
  const expected = [...names.flatMap((name) => [`Function ${name}`, `Task ${name}`]), "Function update-status"];
  expect(objects.map(label).sort()).toEqual(expected.sort());
});

const fixtures = ["redis-7.0.5", "elasticsearch-7.2.0", "elasticsearch-8.2.0"].map((name) =>
  join(root, `test/fixtures/stash-catalog/${name}.yaml`),
);
// Other people's manifests, where there are any beside the checkout.
const collection = join(root, "../shared/samples/stash/synthetic");
const references = [
  ...fixtures,
  ...["functions-tasks-redis.yaml", "functions-tasks-elasticsearch.yaml", "function-update-status.yaml"]
    .map((name) => join(collection, name))
    .filter((path) => existsSync(path)),
].map((path) => relative(root, path));

test.each(references)("what is printed differs from %s in nothing but the image", async (path) => {
  const { all } = await readManifests(join(root, path));
  const references = all.map(({ object }) => object as unknown as Printed);
  const flag = "--metrics-pushgateway-url=";
  const url = references.flatMap(({ spec }) => (spec.args as string[] | undefined) ?? []).find((word) => word.startsWith(flag));

  const objects = await show(url === undefined ? {} : { "pushgateway-url": url.slice(flag.length) });

  const printed = new Map(objects.map((object) => [label(object), object]));
  expect(references.length).toBeGreaterThan(0);
  for (const reference of references) {
    const expected = reference.kind === "Function" ? { ...reference, spec: { ...reference.spec, image } } : reference;
    expect(printed.get(label(reference))).toEqual(expected);
  }
});

test("a dollar sign in the gateway's URL is one still when the Job is made", async () => {
  const url = `http://push.example/$1/$${"{A}"}`;
  const objects = await show({ "pushgateway-url": url });
  const { spec } = objects.find(({ metadata }) => metadata.name === "update-status") as Printed;
  const names = ["REPOSITORY_SECRET_NAME", "REPOSITORY_SECRET_NAMESPACE"];

  const filled = substitute(spec, new Map(names.map((name) => [name, "x"])), { origin: "Function" });

  expect(filled.args).toContain(`--metrics-pushgateway-url=${url}`);
});

test("engines can be chosen, and one that is not there is refused with those that are", async () => {
  expect((await show({ engines: "redis" })).length).toBe(13);

  await expect(show({ engines: "redis,oracle" })).rejects.toMatchObject({
    message: expect.stringContaining('"oracle"'),
    hint: "There is redis, elasticsearch",
  });
});

test("an image that no container runtime would pull is refused", async () => {
  await expect(show({ image: "NOT AN IMAGE" })).rejects.toThrow(ParameterError);
});

test.each([
  ["redis-backup-5.0.13", backup()],
  ["redis-restore-7.0.5", restore({ target: { ref: { kind: "AppBinding", name: "carts" }, rules: [{ snapshots: ["latest"] }] } })],
  ["elasticsearch-backup-5.6.4", backup({ interimVolumeTemplate: { metadata: { name: "dump" }, spec: {} } })],
  ["elasticsearch-backup-8.2.0", backup()],
  ["elasticsearch-restore-7.14.0", restore({ target: { ref: { kind: "AppBinding", name: "carts" }, rules: [{ snapshots: ["latest"] }] } })],
])("once the Job is made from %s, its arguments are ones that the program understands", async (name, request) => {
  const objects = await show();
  const pick = (kind: string, each: string) => objects.find((object) => label(object) === `${kind} ${each}`);
  const functionNames = [name, "update-status"];
  const parts = {
    task: parseObject("Task", pick("Task", name), { name }),
    functions: new Map(functionNames.map((each) => [each, parseObject("Function", pick("Function", each), { name: each })])),
    params: { args: "" },
    repository: repository(),
    settings: {},
  };

  const { initContainers = [] } = resolveJob(request, parts).job.spec.template.spec;
  const line = parseCommandLine(initContainers[0]?.args ?? [], commandsFor(functions), { version: "0" });

  expect(initContainers).toHaveLength(1);
  expect(line).toMatchObject({ kind: "run", flags: { appbinding: "carts", "output-dir": "/stash-tmp/output", "wait-timeout": "300" } });
});

test("a gateway with a password is refused, because everybody may read a Function", async () => {
  await expect(show({ "pushgateway-url": "http://me:canary@push:9091" })).rejects.toThrow(/^--pushgateway-url holds a user or a password/);
});
