// right: one verb on one resource that a job needs, and why. work: what a job does. Roles, the table in SECURITY.md and `holdfast doctor`
// are made from this table; tests run with exactly these rights, and without each of them.

export type Work = "backup" | "restore" | "maintenance";

/** What each work is, for people. */
export const WORKS: Readonly<Record<Work, string>> = {
  backup: "a backup, and the step that writes its outcome",
  restore: "a restore, and the step that writes its outcome",
  maintenance: "listing, verifying, forgetting and pruning snapshots",
};

/** Which of a job's objects a right is for; `create` cannot be limited to names, so that events have none. */
export type RightObject =
  | "AppBinding"
  | "database Secret"
  | "Repository"
  | "storage Secret"
  | "Namespace of the job"
  | "BackupSession"
  | "BackupConfiguration"
  | "BackupBatch"
  | "RestoreSession"
  | "any";

export interface Right {
  readonly verb: "get" | "update" | "create";
  /** "" is the core group. */
  readonly group: string;
  /** Plural, with the subresource if any. */
  readonly resource: string;
  readonly object: RightObject;
  /** In whose namespace it is needed. */
  readonly place: "job" | "AppBinding" | "Repository";
  readonly works: readonly Work[];
  /** A clause: "to read where the database is". */
  readonly purpose: string;
  readonly without: Without;
}

/** What becomes of a run without a right. "incomplete": what was backed up stands and is told so, then the run fails if its session wants the rest. */
export type Without = "fails" | "incomplete" | "warns";

const STASH = "stash.appscode.com";
const CORE = "";
const runs: readonly Work[] = ["backup", "restore"];
const all: readonly Work[] = ["backup", "restore", "maintenance"];

/** Everything that a job asks of the Kubernetes API, and nothing else. */
export const RIGHTS: readonly Right[] = [
  {
    verb: "get",
    group: "appcatalog.appscode.com",
    resource: "appbindings",
    object: "AppBinding",
    place: "AppBinding",
    works: runs,
    purpose: "to read where the database is",
    without: "fails",
  },
  {
    verb: "get",
    group: CORE,
    resource: "secrets",
    object: "database Secret",
    place: "AppBinding",
    works: runs,
    purpose: "to read the credentials and certificates that the AppBinding names",
    without: "fails",
  },
  {
    verb: "get",
    group: STASH,
    resource: "repositories",
    object: "Repository",
    place: "Repository",
    works: all,
    purpose: "to read where backups lie",
    without: "fails",
  },
  {
    verb: "get",
    group: CORE,
    resource: "secrets",
    object: "storage Secret",
    place: "Repository",
    works: all,
    purpose: "to read the store's credentials and the repository's passphrase",
    without: "fails",
  },
  {
    verb: "get",
    group: CORE,
    resource: "namespaces",
    object: "Namespace of the job",
    place: "job",
    works: all,
    purpose: "to hold the labels of the job's namespace against the Repository's usage policy",
    without: "fails",
  },
  {
    verb: "get",
    group: STASH,
    resource: "backupsessions",
    object: "BackupSession",
    place: "job",
    works: ["backup"],
    purpose: "to read what the session wants, and of which invoker it is",
    without: "fails",
  },
  {
    verb: "get",
    group: STASH,
    resource: "backupconfigurations",
    object: "BackupConfiguration",
    place: "job",
    works: ["backup"],
    purpose: "to read retention policy and time limit of the session's invoker",
    without: "fails",
  },
  {
    verb: "get",
    group: STASH,
    resource: "backupbatches",
    object: "BackupBatch",
    place: "job",
    works: ["backup"],
    purpose: "to read retention policy and time limit of the session's invoker",
    without: "fails",
  },
  {
    verb: "update",
    group: STASH,
    resource: "backupsessions/status",
    object: "BackupSession",
    place: "job",
    works: ["backup"],
    purpose: "to write the outcome",
    without: "fails",
  },
  {
    verb: "get",
    group: STASH,
    resource: "restoresessions",
    object: "RestoreSession",
    place: "job",
    works: ["restore"],
    purpose: "to read the time limit and the status",
    without: "fails",
  },
  {
    verb: "update",
    group: STASH,
    resource: "restoresessions/status",
    object: "RestoreSession",
    place: "job",
    works: ["restore"],
    purpose: "to write the outcome",
    without: "fails",
  },
  {
    verb: "update",
    group: STASH,
    resource: "repositories/status",
    object: "Repository",
    place: "Repository",
    works: ["backup"],
    purpose: "to write what is stored, and whether it is whole",
    without: "incomplete",
  },
  {
    verb: "create",
    group: CORE,
    resource: "events",
    object: "any",
    place: "job",
    works: runs,
    purpose: "to tell what happened to the session",
    without: "warns",
  },
  {
    verb: "create",
    group: CORE,
    resource: "events",
    object: "any",
    place: "Repository",
    works: ["backup"],
    purpose: "to tell of a snapshot that no session tells of",
    without: "warns",
  },
];

/** The rights that a work needs, whatever its objects are. */
export function rightsFor(work: Work): readonly Right[] {
  return RIGHTS.filter(({ works }) => works.includes(work));
}
