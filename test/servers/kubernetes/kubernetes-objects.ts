// The tests' own view of an API server, as its administrator: plain HTTPS, nothing of the code under test.
import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { Agent, request } from "node:https";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { parseAllDocuments } from "yaml";

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMetadata;
  readonly [field: string]: unknown;
}

export interface ObjectMetadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly [field: string]: unknown;
}

export interface KubernetesAnswer {
  readonly status: number;
  /** Parsed JSON; the text itself when it is none. */
  readonly body: unknown;
  readonly warning: string | undefined;
}

/** One rule of a Role, or of a ClusterRole. */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

export interface TestServiceAccount {
  readonly namespace: string;
  readonly name: string;
  /** Bound to the account, valid for an hour. */
  readonly token: string;
}

interface Resource {
  readonly plural: string;
  readonly isNamespaced: boolean;
  readonly hasStatus: boolean;
}

interface DefinitionSpec {
  readonly group: string;
  readonly names: { readonly plural: string };
  readonly versions: readonly { readonly name: string; readonly served: boolean; readonly subresources?: object }[];
}

const RBAC = { apiVersion: "rbac.authorization.k8s.io/v1" };

export class KubernetesObjects {
  readonly #url: string;
  readonly #credentials: { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer };
  readonly #agent: Agent;
  readonly #resources = new Map<string, Resource>();

  constructor(url: string, credentials: { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer }) {
    this.#url = url;
    this.#credentials = credentials;
    this.#agent = new Agent({ keepAlive: true });
  }

  /** One request, no repetition. */
  send(method: string, path: string, body?: unknown): Promise<KubernetesAnswer> {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers = payload === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(payload) };
    return new Promise((resolve, reject) => {
      const options = { method, headers, agent: this.#agent, timeout: 30_000, ...this.#credentials };
      const sent = request(`${this.#url}${path}`, options, (answer) => {
        const { warning } = answer.headers;
        text(answer).then((answered) => resolve({ status: answer.statusCode ?? 0, body: parse(answered), warning }), reject);
      });
      sent.once("timeout", () => sent.destroy(new Error(`${method} ${path} took too long`)));
      sent.once("error", reject).end(payload);
    });
  }

  /** Creates the object, or replaces it, and then its status if it has one. The server's whole word is taken: unknown fields are refused. */
  async apply(object: KubernetesObject): Promise<KubernetesObject> {
    const resource = await this.#resource(object);
    const path = pathOf(object, resource);
    const { status, ...main } = object;
    let stored = await this.#create(main as KubernetesObject, path);
    if (stored === undefined) {
      const { resourceVersion } = (await this.get(object)).metadata;
      stored = await this.#put(path, { ...(resource.hasStatus ? main : object), metadata: { ...object.metadata, resourceVersion } });
    }
    if (status === undefined || !resource.hasStatus) return stored;
    return this.#put(`${path}/status`, { ...stored, status });
  }

  async get(object: Pick<KubernetesObject, "apiVersion" | "kind" | "metadata">): Promise<KubernetesObject> {
    return expectStatus(await this.send("GET", pathOf(object, await this.#resource(object))), 200, `get ${describe(object)}`);
  }

  async list(apiVersion: string, kind: string, namespace: string): Promise<KubernetesObject[]> {
    const path = pathOf({ apiVersion, kind, metadata: { namespace, name: "" } }, await this.#resource({ apiVersion, kind }));
    const list = expectStatus(await this.send("GET", path.replace(/\/$/, "")), 200, `list ${kind}`);
    return list.items as KubernetesObject[];
  }

  async delete(object: Pick<KubernetesObject, "apiVersion" | "kind" | "metadata">): Promise<void> {
    expectStatus(await this.send("DELETE", pathOf(object, await this.#resource(object))), 200, `delete ${describe(object)}`);
  }

  /** A namespace nobody used before; resolves with its name. */
  async createNamespace(labels: Readonly<Record<string, string>> = {}): Promise<string> {
    const name = `ns-${randomBytes(5).toString("hex")}`;
    await this.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name, labels } });
    return name;
  }

  /** An account with exactly these rights within its namespace, and `clusterRules` beyond it; resolves when they are in force. */
  async createServiceAccount(
    namespace: string,
    rules: readonly Rule[],
    options: { readonly clusterRules?: readonly Rule[] } = {},
  ): Promise<TestServiceAccount> {
    const name = `account-${randomBytes(5).toString("hex")}`;
    await this.apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: { namespace, name } });
    await this.#grant({ namespace, name }, rules, namespace);
    await this.#grant({ namespace, name }, options.clusterRules ?? [], undefined);
    const token = await this.createToken({ namespace, name });
    return { namespace, name, token };
  }

  /** A fresh token of the account. */
  async createToken({ namespace, name }: { readonly namespace: string; readonly name: string }): Promise<string> {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
    const request = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { expirationSeconds: 3600 } };
    const answer = expectStatus(await this.send("POST", path, request), 201, `create a token of "${namespace}/${name}"`);
    return (answer.status as { token: string }).token;
  }

  /** Applies every CustomResourceDefinition of the folder's YAML files; resolves when objects of all of them can be listed. */
  async applyDefinitions(folder: string): Promise<void> {
    const files = (await readdir(folder)).filter((file) => file.endsWith(".yaml"));
    const texts = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
    const all = texts.flatMap((each) => parseAllDocuments(each).map((document) => document.toJS() as KubernetesObject | null));
    const definitions = all.filter((each) => each?.kind === "CustomResourceDefinition") as KubernetesObject[];
    if (definitions.length === 0) throw new Error(`There is no CustomResourceDefinition in "${folder}"`);
    for (const { status: _status, ...definition } of definitions) await this.apply(definition as KubernetesObject);
    await Promise.all(definitions.map((definition) => this.#isServed(definition)));
  }

  async #grant(account: { readonly namespace: string; readonly name: string }, rules: readonly Rule[], namespace: string | undefined) {
    if (rules.length === 0) return;
    const kind = namespace === undefined ? "ClusterRole" : "Role";
    const metadata = namespace === undefined ? { name: `${account.namespace}-${account.name}` } : account;
    await this.apply({ ...RBAC, kind, metadata, rules });
    const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind, name: metadata.name };
    await this.apply({ ...RBAC, kind: `${kind}Binding`, metadata, roleRef, subjects: [{ kind: "ServiceAccount", ...account }] });
    const { apiGroups, resources, verbs, resourceNames } = rules.at(-1) as Rule;
    const [resource = "", subresource] = (resources.at(-1) ?? "").split("/");
    const attributes = { namespace, group: apiGroups[0], resource, subresource, verb: verbs[0], name: resourceNames?.[0] };
    const spec = { user: `system:serviceaccount:${account.namespace}:${account.name}`, resourceAttributes: attributes };
    const review = { apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", spec };
    await waitFor(`rights of "${account.namespace}/${account.name}"`, async () => {
      const { body } = await this.send("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review);
      return (body as { status?: { allowed?: boolean } }).status?.allowed === true;
    });
  }

  /**
   * Established is not served: for some seconds more a list answers 404, or 429 while the storage is made ready. Nor is served discovered:
   * lists are answered once the names are accepted, and the group tells of a kind later.
   */
  async #isServed(definition: KubernetesObject): Promise<void> {
    const { group, versions, names } = definition.spec as DefinitionSpec;
    const label = definition.metadata.name;
    await waitFor(`${label} to be established`, async () => {
      const { conditions } = ((await this.get(definition)).status ?? {}) as { conditions?: { type: string; status: string }[] };
      return conditions?.some(({ type, status }) => type === "Established" && status === "True") ?? false;
    });
    for (const { name, subresources } of versions.filter(({ served }) => served)) {
      const path = `/apis/${group}/${name}`;
      const wanted = [names.plural, ...Object.keys(subresources ?? {}).map((each) => `${names.plural}/${each}`)];
      await waitFor(`objects of ${label}`, async () => (await this.send("GET", `${path}/${names.plural}?limit=1`)).status === 200);
      await waitFor(`discovery of ${label}`, async () => {
        const { resources } = (await this.send("GET", path)).body as { resources?: { name: string }[] };
        return wanted.every((each) => resources?.some((resource) => resource.name === each));
      });
    }
  }

  /** Undefined when there is one already. */
  async #create(object: KubernetesObject, path: string): Promise<KubernetesObject | undefined> {
    const answer = await this.send("POST", strict(path.slice(0, path.lastIndexOf("/"))), object);
    if (answer.status === 409) return undefined;
    return expectStatus(answer, 201, `create ${describe(object)}`);
  }

  async #put(path: string, object: KubernetesObject): Promise<KubernetesObject> {
    return expectStatus(await this.send("PUT", strict(path), object), 200, `write ${describe(object)}`);
  }

  async #resource({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }): Promise<Resource> {
    const known = this.#resources.get(`${apiVersion}/${kind}`);
    if (known !== undefined) return known;
    const list = expectStatus(await this.send("GET", prefixOf(apiVersion)), 200, `discover "${apiVersion}"`);
    const all = list.resources as { name: string; kind: string; namespaced: boolean }[];
    const main = all.find((each) => each.kind === kind && !each.name.includes("/"));
    if (main === undefined) throw new Error(`The API server knows no ${kind} in "${apiVersion}"`);
    const hasStatus = all.some(({ name }) => name === `${main.name}/status`);
    const resource = { plural: main.name, isNamespaced: main.namespaced, hasStatus };
    this.#resources.set(`${apiVersion}/${kind}`, resource);
    return resource;
  }
}

function pathOf({ apiVersion, metadata }: Pick<KubernetesObject, "apiVersion" | "kind" | "metadata">, resource: Resource): string {
  const namespace = resource.isNamespaced ? `/namespaces/${metadata.namespace}` : "";
  return `${prefixOf(apiVersion)}${namespace}/${resource.plural}/${metadata.name}`;
}

function prefixOf(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

function strict(path: string): string {
  return `${path}?fieldValidation=Strict`;
}

function parse(answered: string): unknown {
  try {
    return JSON.parse(answered);
  } catch {
    // Health checks and unknown paths answer plain text.
    return answered;
  }
}

function expectStatus(answer: KubernetesAnswer, wanted: number, action: string): KubernetesObject {
  if (answer.status !== wanted) throw new Error(`Cannot ${action}: ${answer.status} ${JSON.stringify(answer.body)}`);
  if (answer.warning !== undefined) throw new Error(`The API server warns of "${action}": ${answer.warning}`);
  return answer.body as KubernetesObject;
}

function describe({ kind, metadata }: Pick<KubernetesObject, "kind" | "metadata">): string {
  return `${kind} "${metadata.namespace ?? ""}/${metadata.name}"`;
}

async function waitFor(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 60_000; !(await isTrue()); ) {
    if (Date.now() > deadline) throw new Error(`Waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
