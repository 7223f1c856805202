import { z } from "zod";
import { ParameterError } from "../../../runner/errors.ts";
import { apiVersionOf, type ObjectKind, objectSchemas, parseObject } from "../../../runner/kubernetes/parse-object.ts";

const kinds = Object.keys(objectSchemas) as ObjectKind[];
const metadata = { name: "one", namespace: "shop" };

const appBinding = (spec: unknown) => ({ apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", metadata, spec });
const service = { name: "redis", port: 6379, scheme: "redis" };

function faultOf(kind: ObjectKind, raw: unknown): string {
  try {
    parseObject(kind, raw, { name: "shop/one" });
  } catch (error) {
    expect(error).toBeInstanceOf(ParameterError);
    return (error as Error).message;
  }
  throw new Error("Expected a failure");
}

test.each([
  [
    "a missing part",
    { clientConfig: { service: { name: "redis", scheme: "redis" } } },
    "spec.clientConfig.service.port: expected number, but it is missing",
  ],
  [
    "a port as text",
    { clientConfig: { service: { ...service, port: "6379" } } },
    "spec.clientConfig.service.port: expected number, received string",
  ],
  [
    "a switch as text",
    { clientConfig: { insecureSkipTLSVerify: "yes" } },
    "spec.clientConfig.insecureSkipTLSVerify: expected boolean, received string",
  ],
  [
    "a wrong item",
    { clientConfig: {}, secretTransforms: [{}, { renameKey: { from: "a" } }] },
    "spec.secretTransforms[1].renameKey.to: expected string, but it is missing",
  ],
  [
    "a path as a name",
    { clientConfig: {}, secret: { name: "../other" } },
    "spec.secret.name: expected a name of lower-case letters, digits, dashes and dots",
  ],
  [
    "no scheme",
    { clientConfig: { service: { ...service, scheme: "" } } },
    "spec.clientConfig.service.scheme: expected a URL scheme such as redis or https",
  ],
])("an AppBinding with %s is refused by field and expectation", (_, spec, fault) => {
  expect(faultOf("AppBinding", appBinding(spec))).toBe(`AppBinding "shop/one" is not valid: ${fault}`);
});

test("all faults of an object stand in one error", () => {
  const message = faultOf("AppBinding", appBinding({ type: 7, clientConfig: { url: false } }));

  expect(message).toContain("spec.type: expected string, received number");
  expect(message).toContain("spec.clientConfig.url: expected string, received boolean");
});

test("another version of the API is refused by name", () => {
  const message = faultOf("Repository", { apiVersion: "stash.appscode.com/v1beta1", kind: "Repository", metadata, spec: { backend: {} } });

  expect(message).toContain('apiVersion: expected "stash.appscode.com/v1alpha1"');
});

test("no value of a wrong object stands in the error", () => {
  const secret = { apiVersion: "v1", kind: "Secret", metadata, data: { password: { canary: "canary" } }, stringData: { pin: 31415 } };

  const message = faultOf("Secret", secret);

  expect(message).toContain("data.password: expected string, received object");
  expect(message).toContain("stringData.pin: expected string, received number");
  expect(message).not.toMatch(/canary|31415/);
});

test("fields that are null count as absent", () => {
  const parsed = parseObject("AppBinding", appBinding({ clientConfig: { service: { ...service, path: null } }, secret: null }), {
    name: "shop/one",
  });

  expect(parsed.spec.secret).toBeUndefined();
  expect(parsed.spec.clientConfig.service).toEqual(service);
});

test("fields nobody knows are kept, at every depth", () => {
  const spec = { clientConfig: { service: { ...service, weight: 1 }, via: "mesh" }, extra: { a: [1, { b: 2 }] } };

  expect(parseObject("AppBinding", appBinding(spec), { name: "shop/one" }).spec).toEqual(spec);
});

test("what a reference and a policy leave out has the default of the API", () => {
  const binding = parseObject("AppBinding", appBinding({ clientConfig: {}, secret: { name: "login" } }), { name: "shop/one" });
  const spec = { backend: {}, usagePolicy: { allowedNamespaces: {} } };
  const raw = { apiVersion: "stash.appscode.com/v1alpha1", kind: "Repository", metadata, spec };

  expect(binding.spec.secret).toEqual({ apiGroup: "", kind: "Secret", name: "login" });
  expect(parseObject("Repository", raw, { name: "shop/one" }).spec.usagePolicy?.allowedNamespaces?.from).toBe("Same");
});

test.each(kinds)("the schema of %s can be written as JSON schema, and every field says what it is for", (kind) => {
  const schema = z.toJSONSchema(objectSchemas[kind], { io: "input" }) as JsonSchema;

  expect(apiVersionOf(kind)).toMatch(/^([a-z.]+\/)?v1(alpha1|beta1)?$/);
  expect(undescribed(schema.properties?.spec ?? schema, "spec")).toEqual([]);
});

interface JsonSchema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
}

const wellKnown = ["apiVersion", "kind", "metadata"];

function undescribed(schema: JsonSchema, path: string): string[] {
  const fields = [...Object.entries(schema.properties ?? {}).filter(([name]) => !wellKnown.includes(name) || path !== "spec")];
  const own = fields.filter(([, field]) => field.description === undefined).map(([name]) => `${path}.${name}`);
  const items = schema.items === undefined ? [] : undescribed(schema.items, `${path}[]`);
  return [...own, ...items, ...fields.flatMap(([name, field]) => undescribed(field, `${path}.${name}`))];
}
