// policy: a rule that an API server itself holds objects against before it takes them (ValidatingAdmissionPolicy), with no webhook, port or certificate of ours.
import { KINDS, type KindName } from "../operator/kinds.ts";

const API_VERSION = "admissionregistration.k8s.io/v1";

interface Policy {
  readonly name: string;
  readonly kinds: readonly KindName[];
  /** Holds on every change, and not only when a spec changes that nobody deletes. */
  readonly isForAllChanges?: true;
  readonly validations: readonly Validation[];
}

interface Validation {
  /** CEL; what is refused is that for which it is false. */
  readonly expression: string;
  /** Part of what the person reads that is refused. */
  readonly message: string;
}

// As Go reads them, and as the program does.
const DURATION = `^[+]?(([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`;
const CRON = String.raw`^\s*(@(yearly|annually|monthly|weekly|daily|midnight|hourly)|@every [0-9a-zµμ.]+|([0-9A-Za-z*,/?-]+\s+){4}[0-9A-Za-z*,/?-]+)\s*$`;

/** Everything that is refused at once, where it would otherwise be found out when a backup or a restore is due. */
export const POLICIES: readonly Policy[] = [
  {
    name: "session-spec",
    kinds: ["BackupSession", "RestoreSession"],
    isForAllChanges: true,
    validations: [
      {
        expression: "request.operation == 'CREATE' || object.?spec == oldObject.?spec",
        message: "The spec of a session cannot be changed: delete the session and make another one",
      },
    ],
  },
  {
    name: "retention-policy",
    kinds: ["BackupConfiguration", "BackupBatch", "BackupBlueprint"],
    validations: [
      {
        expression: `!object.?spec.?retentionPolicy.hasValue() || ${counts()}.exists(k, k.orValue(0) > 0) || object.spec.retentionPolicy.?keepTags.orValue([]).size() > 0`,
        message:
          "spec.retentionPolicy keeps no snapshot at all: set one of keepLast, keepHourly, keepDaily, keepWeekly, keepMonthly, keepYearly, keepTags",
      },
      {
        expression: `!object.?spec.?retentionPolicy.hasValue() || ${counts()}.all(k, k.orValue(0) >= 0)`,
        message: "spec.retentionPolicy has a negative number: it counts snapshots that are kept",
      },
    ],
  },
  { name: "backup-hooks", kinds: ["BackupConfiguration"], validations: ["preBackup", "postBackup"].map(oneHandler) },
  { name: "restore-hooks", kinds: ["RestoreSession"], validations: ["preRestore", "postRestore"].map(oneHandler) },
  {
    name: "backup-target",
    kinds: ["BackupConfiguration"],
    validations: [
      {
        expression:
          "request.operation == 'CREATE' || oldObject.?status.?phase.orValue('') != 'Ready' || object.?spec.?target == oldObject.?spec.?target",
        message: "spec.target cannot be changed while backups of it are made: delete this BackupConfiguration and make another one",
      },
    ],
  },
  {
    name: "schedule",
    kinds: ["BackupConfiguration", "BackupBatch"],
    validations: [
      {
        expression: `object.?spec.?schedule.orValue('') == '' || object.spec.schedule.matches(r'${CRON}')`,
        message:
          'spec.schedule is not in cron\'s notation: five fields such as "30 2 * * *", or one of @hourly, @daily, @weekly, @monthly, @yearly, @every 6h',
      },
    ],
  },
  {
    name: "time-limit",
    kinds: ["BackupConfiguration", "BackupBatch", "RestoreSession", "RestoreBatch"],
    validations: [
      {
        expression: `!object.?spec.?timeOut.hasValue() || (object.spec.timeOut.matches(r'${DURATION}') && duration(object.spec.timeOut) > duration('0s'))`,
        message: 'spec.timeOut has to be a time such as "30m" or "1h30m", longer than nothing; there are no days',
      },
    ],
  },
  {
    name: "retry",
    kinds: ["BackupConfiguration", "BackupBatch"],
    validations: [
      {
        expression: `!object.?spec.?retryConfig.?delay.hasValue() || object.spec.retryConfig.delay.matches(r'${DURATION}|^[+]?0$')`,
        message: 'spec.retryConfig.delay has to be a time such as "30s" or "1h30m"; there are no days',
      },
      {
        expression: "object.?spec.?retryConfig.?maxRetry.orValue(0) >= 0",
        message: "spec.retryConfig.maxRetry is negative: 0 is no retry",
      },
    ],
  },
  {
    name: "restore-rules",
    kinds: ["RestoreSession"],
    validations: [
      {
        expression: "object.?spec.?target.?rules.orValue([]).size() == 0 || object.?spec.?rules.orValue([]).size() == 0",
        message: "Both spec.rules and spec.target.rules are set: keep those of the target",
      },
      ...["target.?rules", "rules"].flatMap(soundRules),
    ],
  },
  {
    name: "backend",
    kinds: ["Repository"],
    validations: [
      {
        expression: `!object.?spec.?backend.hasValue() || ${isSet("object.spec.backend", ["local", "s3", "gcs", "azure", "swift", "b2", "rest"])} == 1`,
        message: "spec.backend has to name exactly one place: local, s3, gcs, azure, swift, b2 or rest",
      },
      {
        expression: "!object.?spec.?backend.?local.?mountPath.orValue('').matches('^/*stash(/|$)')",
        message: "spec.backend.local.mountPath lies in /stash, which is not for backups: choose another path",
      },
      {
        expression:
          "!object.?spec.?wipeOut.orValue(false) || (!object.?spec.?backend.?local.hasValue() && !object.?spec.?backend.?b2.hasValue())",
        message: "spec.wipeOut is not possible for local and b2: remove the stored data by hand",
      },
    ],
  },
];

/** The table's policies as an API server takes them, each with its binding. */
export function admissionPolicies(): readonly object[] {
  return POLICIES.flatMap((policy) => {
    const metadata = { name: `holdfast-${policy.name}`, labels: { "app.kubernetes.io/name": "holdfast" } };
    return [
      { apiVersion: API_VERSION, kind: "ValidatingAdmissionPolicy", metadata, spec: specOf(policy) },
      {
        apiVersion: API_VERSION,
        kind: "ValidatingAdmissionPolicyBinding",
        metadata,
        spec: { policyName: metadata.name, validationActions: ["Deny"] },
      },
    ];
  });
}

function specOf({ kinds, validations, isForAllChanges }: Policy): object {
  // An object that an older rule let in has to lose its finalizer, and to take labels.
  const matchConditions = [
    { name: "spec-changes", expression: "request.operation == 'CREATE' || object.?spec != oldObject.?spec" },
    { name: "not-deleted", expression: "!has(object.metadata.deletionTimestamp)" },
  ];
  return {
    failurePolicy: "Fail",
    matchConstraints: { resourceRules: kinds.map(resourceRule) },
    ...(isForAllChanges ? {} : { matchConditions }),
    validations,
  };
}

function resourceRule(name: KindName): object {
  const { group, version, plural } = KINDS[name];
  return { apiGroups: [group], apiVersions: [version], operations: ["CREATE", "UPDATE"], resources: [plural] };
}

function counts(): string {
  const fields = ["keepLast", "keepHourly", "keepDaily", "keepWeekly", "keepMonthly", "keepYearly"];
  return `[${fields.map((field) => `object.spec.retentionPolicy.?${field}`).join(", ")}]`;
}

function oneHandler(hook: string): Validation {
  const handler = `object.?spec.?hooks.?${hook}`;
  return {
    expression: `!${handler}.hasValue() || ${isSet(handler, ["exec", "httpGet", "httpPost", "tcpSocket"])} == 1`,
    message: `spec.hooks.${hook} has to name exactly one of exec, httpGet, httpPost and tcpSocket`,
  };
}

/** CEL for how many of these fields are set. */
function isSet(object: string, fields: readonly string[]): string {
  return `[${fields.map((field) => `${object}.?${field}.hasValue()`).join(", ")}].filter(x, x).size()`;
}

function soundRules(path: string): readonly Validation[] {
  const rules = `object.?spec.?${path}.orValue([])`;
  const field = `spec.${path.replace("?", "")}`;
  return [
    {
      expression: `${rules}.filter(r, r.?targetHosts.orValue([]).size() == 0).size() <= 1`,
      message: `Two of ${field} have no targetHosts: one may stand for all the others`,
    },
    {
      expression: `${rules}.all(r, r.?targetHosts.orValue([]).all(h, ${rules}.exists_one(other, h in other.?targetHosts.orValue([]))))`,
      message: `A host stands in two of ${field}: only one of them can be followed`,
    },
    {
      expression: `${rules}.all(r, r.?snapshots.orValue([]).size() == 0 || r.?paths.orValue([]).size() == 0)`,
      message: `One of ${field} has both snapshots and paths: name one of them only`,
    },
  ];
}
