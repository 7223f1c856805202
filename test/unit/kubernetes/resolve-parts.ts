import { type ObjectOf, parseObject } from "../../../runner/kubernetes/parse-object.ts";
import { type ResolvedJob, resolveJob } from "../../../runner/kubernetes/resolve-job.ts";
import { backupRequest, type RunRequest, restoreRequest } from "../../../runner/kubernetes/resolve-request.ts";
import { chooseTask, type ResolveSettings } from "../../../runner/kubernetes/task-variables.ts";

type Fields = Readonly<Record<string, unknown>>;

const stash = "stash.appscode.com/v1beta1";
const namespace = "shop";
const ref = { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: "carts" };

export function backupConfiguration(spec: Fields = {}, metadata: Fields = {}): ObjectOf<"BackupConfiguration"> {
  const raw = {
    apiVersion: stash,
    kind: "BackupConfiguration",
    metadata: { name: "nightly", namespace, labels: { team: "carts" }, ...metadata },
    spec: {
      schedule: "0 1 * * *",
      repository: { name: "vault" },
      target: { ref },
      task: { name: "t" },
      retentionPolicy: { name: "keep", keepLast: 5, prune: true },
      ...spec,
    },
  };
  return parseObject("BackupConfiguration", raw, { name: "nightly" });
}

export function backupBatch(spec: Fields): ObjectOf<"BackupBatch"> {
  const raw = {
    apiVersion: stash,
    kind: "BackupBatch",
    metadata: { name: "all", namespace },
    spec: { repository: { name: "vault" }, retentionPolicy: { name: "keep", keepLast: 5, prune: true }, ...spec },
  };
  return parseObject("BackupBatch", raw, { name: "all" });
}

export function restoreSession(spec: Fields = {}, metadata: Fields = {}): ObjectOf<"RestoreSession"> {
  const raw = {
    apiVersion: stash,
    kind: "RestoreSession",
    metadata: { name: "back", namespace, uid: "u-2", ...metadata },
    spec: { repository: { name: "vault" }, target: { ref }, task: { name: "t" }, ...spec },
  };
  return parseObject("RestoreSession", raw, { name: "back" });
}

export function appBinding(addon?: Fields): ObjectOf<"AppBinding"> {
  const raw = {
    apiVersion: ref.apiVersion,
    kind: "AppBinding",
    metadata: { name: "carts", namespace },
    spec: { clientConfig: { url: "redis://carts:6379" }, ...(addon ? { parameters: { stash: { addon } } } : {}) },
  };
  return parseObject("AppBinding", raw, { name: "carts" });
}

export function repository(backend: Fields = { s3: { endpoint: "s3:9000", bucket: "vault", prefix: "/carts" } }): ObjectOf<"Repository"> {
  const raw = {
    apiVersion: "stash.appscode.com/v1alpha1",
    kind: "Repository",
    metadata: { name: "vault", namespace },
    spec: { backend: { storageSecretName: "vault-key", ...backend } },
  };
  return parseObject("Repository", raw, { name: "vault" });
}

export function task(spec: Fields = { steps: [{ name: "f-1.0" }, { name: "last" }] }): ObjectOf<"Task"> {
  return parseObject("Task", { apiVersion: stash, kind: "Task", metadata: { name: "t" }, spec }, { name: "t" });
}

export function stashFunction(name: string, spec: Fields = {}): ObjectOf<"Function"> {
  const raw = { apiVersion: stash, kind: "Function", metadata: { name }, spec: { image: "registry.example/own:1", ...spec } };
  return parseObject("Function", raw, { name });
}

export function backup(spec: Fields = {}, session: { name: string; uid?: string } = { name: "nightly-1", uid: "u-1" }): RunRequest {
  return backupRequest(backupConfiguration(spec), { session, targetIndex: 0 });
}

export function restore(spec: Fields = {}): RunRequest {
  return restoreRequest(restoreSession(spec));
}

export interface ResolveChoice {
  readonly request?: RunRequest;
  readonly task?: ObjectOf<"Task">;
  readonly functions?: readonly ObjectOf<"Function">[];
  readonly repository?: ObjectOf<"Repository">;
  readonly settings?: ResolveSettings;
}

/** A Job of two steps, "f-1.0" and "last", where nothing else is said. */
export function resolve(choice: ResolveChoice = {}): ResolvedJob {
  const request = choice.request ?? backup();
  const functions = choice.functions ?? [stashFunction("f-1.0"), stashFunction("last")];
  return resolveJob(request, {
    task: choice.task ?? task(),
    params: chooseTask(appBinding(), request).params,
    functions: new Map(functions.map((fn) => [fn.metadata.name, fn])),
    repository: choice.repository ?? repository(),
    settings: choice.settings ?? {},
  });
}
