import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { bundleObjects } from "../../../deploy/bundle.ts";
import { bundleFor, generatedFiles } from "../../../deploy/generate.ts";
import { functions } from "../../../functions/index.ts";
import { operatorParameters } from "../../../operator/parameters.ts";
import { parseParameters } from "../../../runner/parameters.ts";

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  /** With the fields of every kind that is looked into here. */
  readonly spec: {
    readonly image: string;
    readonly runtimeSettings: { readonly securityContext: object };
    readonly steps: readonly { readonly name: string }[];
    readonly selector: Readonly<Record<string, string>>;
    readonly ports: readonly { readonly targetPort: string }[];
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: { readonly containers: readonly [Container] };
    };
  };
}

interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
}

const objects = bundleObjects() as readonly Manifest[];
const ofKind = (kind: string) => objects.filter((each) => each.kind === kind);
const [operator] = (ofKind("Deployment").find(({ metadata }) => metadata.name === "holdfast") as Manifest).spec.template.spec.containers;

test("holdfast.yaml is what the program has (make deploy writes it), and each object stands in it once", () => {
  const text = readFileSync(join(import.meta.dirname, "../../../deploy/holdfast.yaml"), "utf8");

  expect(text).toBe(generatedFiles().get("holdfast.yaml"));
  expect(parseAllDocuments(text).map((document) => document.toJS())).toEqual(objects);
  const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace} ${metadata.name}`);
  expect(new Set(names).size).toBe(names.length);
});

test("one word stands for our image wherever there is one, and no container runtime takes it for an image", () => {
  const images = [...ofKind("Function").map(({ spec }) => spec.image), operator.image, environment().HOLDFAST_IMAGE];

  expect(new Set(images)).toEqual(new Set(["IMAGE-OF-HOLDFAST"]));
  expect("IMAGE-OF-HOLDFAST").not.toBe("IMAGE-OF-HOLDFAST".toLowerCase());
});

test("a bundle for an image names that one everywhere, and an image that nobody could pull is refused", () => {
  const text = bundleFor("registry.example/team/holdfast:1.0");

  expect(text).not.toContain("IMAGE-OF-HOLDFAST");
  expect(text.match(/registry\.example\/team\/holdfast:1\.0$/gm)).toHaveLength(ofKind("Function").length + 2);
  expect(() => bundleFor("IMAGE-OF-HOLDFAST")).toThrow("IMAGE");
});

test("a bundle for a gateway that is there already brings none, and names that one; its password is nobody's to read", () => {
  const pushgatewayUrl = "http://gateway.monitoring.svc:9091";
  const names = bundleObjects({ pushgatewayUrl }).map((each) => (each as Manifest).metadata.name);

  const text = bundleFor("holdfast:1.0", { pushgatewayUrl });

  expect(names).not.toContain("holdfast-pushgateway");
  expect(text).not.toContain("holdfast-pushgateway");
  expect(text.split(`value: ${pushgatewayUrl}\n`)).toHaveLength(2);
  expect(() => bundleFor("holdfast:1.0", { pushgatewayUrl: "http://me:canary@gateway:9091" })).toThrow("password");
});

test("there are Functions and Tasks of each database function, under our name and under Stash's", () => {
  for (const { name, stash } of functions) {
    for (const kind of ["Function", "Task"]) {
      const names = ofKind(kind).map(({ metadata }) => metadata.name);
      expect(names).toContain(`holdfast-${name}`);
      if (stash !== undefined)
        expect(names).toEqual(expect.arrayContaining(stash.catalog.versions.map((each) => `${stash.catalog.name}-${each}`)));
    }
  }
  expect(ofKind("Function").map(({ metadata }) => metadata.name)).toContain("update-status");
});

test("every step of every Task is a Function of the bundle", () => {
  const known = ofKind("Function").map(({ metadata }) => metadata.name);

  const steps = ofKind("Task").flatMap(({ spec }) => spec.steps.map(({ name }) => name));

  expect(steps.filter((name) => !known.includes(name))).toEqual([]);
});

test("every Function runs where only restricted pods are taken", () => {
  for (const { spec } of ofKind("Function")) {
    expect(spec.runtimeSettings.securityContext).toEqual({
      runAsNonRoot: true,
      seccompProfile: { type: "RuntimeDefault" },
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
  }
});

test("every Function pushes its metrics where the operator says", () => {
  const gateway = `\${PROMETHEUS_PUSHGATEWAY_URL:=}`;

  for (const { metadata, spec } of ofKind("Function").filter(({ metadata }) => /^holdfast|^update-status$/.test(metadata.name))) {
    expect([metadata.name, JSON.stringify(spec)]).toEqual([metadata.name, expect.stringContaining(gateway)]);
  }
});

test("the operator understands what it is told, and nothing that it needs is missing", () => {
  const parameters = parseParameters(operatorParameters, {
    flags: {},
    environment: { ...environment(), POD_NAMESPACE: "holdfast", POD_NAME: "holdfast-1" },
  });

  const [port] = operator.ports;
  expect(operator.args).toEqual(["operator"]);
  expect(parameters).toMatchObject({
    namespace: "holdfast",
    identity: "holdfast-1",
    pushgatewayUrl: "http://holdfast-pushgateway.holdfast.svc:56789",
    listen: `:${port?.containerPort}`,
    lease: "holdfast-operator",
    jobClusterRole: "holdfast-job",
  });
});

test("each Service finds the pods of its own Deployment, and a port that they have", () => {
  for (const { metadata, spec } of ofKind("Service")) {
    const found = ofKind("Deployment").filter((each) => contains(each.spec.template.metadata.labels, spec.selector));
    expect(found.map((each) => each.metadata.name)).toEqual([metadata.name]);
    const ports = found.flatMap((each) => each.spec.template.spec.containers[0].ports.map(({ name }) => name));
    expect(ports).toEqual(spec.ports.map(({ targetPort }) => targetPort));
  }
  expect(ofKind("Service")).toHaveLength(2);
});

function environment(): Record<string, string> {
  return Object.fromEntries(operator.env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])));
}

function contains(labels: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}
