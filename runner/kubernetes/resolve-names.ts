// Names of what is made for a session. A name is at most 63 characters long, since it becomes a label's value.

const MOST = 63;

/** The Job for one target: a longer name keeps its first 32 and its last 31 characters. */
export function jobName(session: { readonly kind: string; readonly name: string }, targetIndex: number): string {
  const name =
    session.kind === "RestoreSession"
      ? `stash-restore-${session.name}-${targetIndex}`
      : `stash-backup-${session.name.replaceAll(".", "-")}-${targetIndex}`;
  if (name.length <= MOST) return name;
  // With a dot at the seam it would be no name any more.
  const plain = name.replaceAll(".", "-");
  return `${plain.slice(0, 32)}${plain.slice(-31)}`;
}

/** The container of one step. */
export function containerName(functionName: string, step: number): string {
  return `${functionName.replaceAll(".", "-")}-${step}`;
}

/** A new session of an invoker, by the second it was asked for. */
export function sessionName(invokerName: string, at: Date): string {
  const suffix = `-${Math.floor(at.getTime() / 1000)}`;
  return `${invokerName.slice(0, MOST - suffix.length).replace(/[-.]+$/, "")}${suffix}`;
}

/** The volume claim of a session. */
export function claimName(session: string, template: string): string {
  return `${session}-${template}`.slice(0, MOST).replace(/[-.]+$/, "");
}
