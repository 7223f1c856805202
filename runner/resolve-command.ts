import * as z from "zod";
import { ParameterError } from "./errors.ts";
import type { BackupInvoker, Cluster, ClusterOptions } from "./kubernetes/cluster.ts";
import { printObjects } from "./kubernetes/print-objects.ts";
import { sessionName } from "./kubernetes/resolve-names.ts";
import type { KubernetesObject } from "./kubernetes/resolve-objects.ts";
import { backupRequest, type RunRequest, restoreRequest } from "./kubernetes/resolve-request.ts";
import { resolveFromCluster } from "./kubernetes/resolve-with-cluster.ts";
import type { ResolveSettings } from "./kubernetes/task-variables.ts";
import { textParameter } from "./parameter-kinds.ts";
import type { Parameter, ParametersOf } from "./parameters.ts";
import { printedGateway } from "./printed-gateway.ts";
import type { Success } from "./report.ts";
import { snapshotsParameters } from "./runner-parameters.ts";

const { manifests, kubeconfig, master, namespace, timeout, report, terminationLog, logFormat, logLevel, json } = snapshotsParameters;

export const resolveParameters = {
  manifests: { ...manifests, help: "Read all objects from these YAML files, and not from the Kubernetes API" },
  kubeconfig,
  master,
  namespace,
  invokerKind: {
    flag: "invoker-kind",
    env: ["INVOKER_KIND"],
    placeholder: "KIND",
    expected: "BackupConfiguration, BackupBatch or RestoreSession",
    help: "Kind of the object that asks for the run",
    default: "BackupConfiguration",
    schema: z.enum(["BackupConfiguration", "BackupBatch", "RestoreSession"]).default("BackupConfiguration"),
  } satisfies Parameter<"BackupConfiguration" | "BackupBatch" | "RestoreSession">,
  invokerName: {
    ...textParameter({
      flag: "invoker-name",
      env: ["INVOKER_NAME"],
      placeholder: "NAME",
      expected: "the name of that object",
      help: "Name of the object that asks for the run",
    }),
    schema: z.string().min(1),
  },
  backupsession: textParameter({
    flag: "backupsession",
    env: ["BACKUP_SESSION"],
    placeholder: "NAME",
    expected: "the name of a BackupSession",
    help: "Session the backup belongs to; a new name when absent",
  }),
  targetIndex: {
    flag: "target-index",
    env: [],
    placeholder: "N",
    expected: "a number from 0",
    help: "Only this target of a BackupBatch; all when absent",
    schema: z
      .string()
      .regex(/^\d{1,4}$/)
      .transform(Number)
      .optional(),
  } satisfies Parameter<number | undefined>,
  task: textParameter({
    flag: "task",
    env: [],
    placeholder: "NAME",
    expected: "the name of a Task",
    help: "Use this Task, and not the one that the objects name",
  }),
  image: textParameter({
    flag: "image",
    env: ["HOLDFAST_IMAGE"],
    placeholder: "IMAGE",
    expected: "an image",
    help: "Use this image in every step, and not those that the Functions name",
  }),
  pushgatewayUrl: textParameter({
    flag: "pushgateway-url",
    env: ["PROMETHEUS_PUSHGATEWAY_URL"],
    placeholder: "URL",
    expected: "a URL",
    help: "Where the run pushes its metrics; nowhere when absent",
  }),
  serviceAccount: textParameter({
    flag: "service-account",
    env: [],
    placeholder: "NAME",
    expected: "the name of a ServiceAccount",
    help: "Run as this one when the object names none",
  }),
  json: { ...json, help: "Print JSON, and not YAML" },
  timeout,
  report,
  terminationLog,
  logFormat,
  logLevel,
};

export type ResolveParameters = ParametersOf<typeof resolveParameters>;

export interface ResolveCommandParts {
  readonly sources: { cluster(): Promise<Cluster> };
  readonly signal: AbortSignal;
  /** For the name of a new session; the clock when absent. */
  readonly now?: () => Date;
  warn(reason: string, message: string): void;
  print(text: string): Promise<void>;
}

/** Prints the Jobs (and volume claims) that an operator would make for this invoker; makes nothing. @throws ParameterError */
export async function showResolvedJobs(parameters: ResolveParameters, parts: ResolveCommandParts): Promise<Success> {
  const { signal, now = () => new Date() } = parts;
  const context: Context = { parameters, cluster: await parts.sources.cluster(), options: { signal }, now };
  const requests = await findRequests(context);
  const source = { cluster: context.cluster, settings: settingsOf(parameters), task: parameters.task, signal };
  const objects: KubernetesObject[] = [];
  for (const request of requests) {
    if (request.session.uid === undefined) {
      const { kind, namespace, name } = request.session;
      parts.warn(
        "NoOwner",
        `${kind} "${namespace}/${name}" has no uid here: the Job has no owner; make the session first, and the Job after it`,
      );
    }
    const { job, claim } = await resolveFromCluster(request, source);
    objects.push(...(claim === undefined ? [] : [claim]), job);
  }
  await parts.print(printObjects(objects, { json: parameters.json }));
  return { message: `${requests.length} Job(s)`, counts: { jobs: requests.length } };
}

function settingsOf({ image, pushgatewayUrl, serviceAccount: serviceAccountName }: ResolveParameters): ResolveSettings {
  return { image, pushgatewayUrl: printedGateway(pushgatewayUrl), serviceAccountName };
}

interface Context {
  readonly parameters: ResolveParameters;
  readonly cluster: Cluster;
  readonly options: ClusterOptions;
  readonly now: () => Date;
}

async function findRequests(context: Context): Promise<readonly RunRequest[]> {
  const { cluster, options, parameters } = context;
  const { invokerKind, namespace, invokerName: name } = parameters;
  if (invokerKind === "RestoreSession") return [restoreRequest(await cluster.restoreSession({ namespace, name }, options))];
  const invoker = await cluster.backupInvoker(invokerKind, { namespace, name }, options);
  const session = await findSession(invoker, context);
  return targetsOf(invoker, parameters.targetIndex).map((targetIndex) => backupRequest(invoker, { session, targetIndex }));
}

function targetsOf(invoker: BackupInvoker, only: number | undefined): readonly number[] {
  if (only !== undefined) return [only];
  if (invoker.kind === "BackupConfiguration") return [0];
  const members = invoker.spec.members ?? [];
  const origin = `BackupBatch "${invoker.metadata.namespace}/${invoker.metadata.name}"`;
  if (members.length === 0) throw new ParameterError(`${origin} has no members: nothing would be backed up`);
  if (members.length > 1 && invoker.spec.executionOrder === "Sequential") {
    throw new ParameterError(`${origin} wants its members one after another, and Jobs that are made together run together`, {
      hint: "Name one member with --target-index, and go on when its Job is finished",
    });
  }
  return members.map((_, index) => index);
}

/** The session by its name, with its identity if it is there already. */
async function findSession(
  invoker: BackupInvoker,
  { parameters, cluster, options, now }: Context,
): Promise<{ readonly name: string; readonly uid?: string | undefined }> {
  const { namespace, name: invokerName } = invoker.metadata;
  const name = parameters.backupsession;
  if (name === undefined) return { name: sessionName(invokerName, now()) };
  const session = await cluster.backupSession({ namespace, name }, options).catch(undefinedIfMissing);
  if (session === undefined) return { name };
  const { kind, name: owner } = session.spec.invoker;
  if (kind !== invoker.kind || owner !== invokerName) {
    throw new ParameterError(`BackupSession "${namespace}/${name}" belongs to ${kind} "${owner}", not to ${invoker.kind} "${invokerName}"`);
  }
  return { name, uid: session.metadata.uid };
}

function undefinedIfMissing(error: unknown): undefined {
  if (error instanceof ParameterError && error.reason === "ObjectNotFound") return undefined;
  throw error;
}
