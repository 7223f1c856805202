import type { Condition, ConditionStatus } from "../../runner/kubernetes/status-condition.ts";
import type { Found, ObservedConfiguration } from "./observed-configuration.ts";

/** What is there and what is not. Nothing is said of what an object that cannot be read may name. */
export function foundConditions({ object, parsed, repository, secret, target }: ObservedConfiguration): readonly Condition[] {
  if (typeof parsed === "string") return [];
  const { namespace } = object.metadata;
  const named = parsed.spec.repository;
  const unnamed: Found<never> = { kind: "missing", message: "No Repository is named: set spec.repository.name" };
  const awaited: Found<never> = { kind: "unknown", message: "The Repository, which names the Secret, is not there" };
  const noTarget: Found<never> = { kind: "missing", message: "No AppBinding is named: set spec.target.ref" };
  const place = named === undefined ? "" : `Repository "${named.namespace || namespace}/${named.name}" is there`;
  return [
    condition("RepositoryFound", repository ?? unnamed, { ...words("Repository"), message: () => place }),
    condition("BackendSecretFound", secret ?? awaited, {
      ...words("BackendSecret"),
      message: (name) => `Secret "${name.namespace}/${name.name}" is there`,
    }),
    condition("BackupTargetFound", target ?? noTarget, {
      ...words("Target"),
      message: ({ live: { metadata } }) => `AppBinding "${metadata.namespace}/${metadata.name}" is there`,
    }),
  ];
}

/** Whether it could lead to backups, as far as that can be told without what is missing. */
export function validationCondition({ fault }: { readonly fault: string | undefined }, { repository }: ObservedConfiguration): Condition {
  if (fault !== undefined) return { type: "ValidationPassed", status: "False", reason: "ResourceValidationFailed", message: fault };
  const message =
    repository?.kind === "there"
      ? "Everything that it says is right"
      : "What it says is right, as far as that can be told without its Repository";
  return { type: "ValidationPassed", status: "True", reason: "ResourceValidationPassed", message };
}

interface Words<T> {
  readonly there: string;
  readonly missing: string;
  readonly unknown: string;
  message(value: T): string;
}

function words(what: string): Omit<Words<never>, "message"> {
  return { there: `${what}Available`, missing: `${what}NotAvailable`, unknown: `UnableToCheck${what}Availability` };
}

const STATUSES: Readonly<Record<Found<unknown>["kind"], ConditionStatus>> = { there: "True", missing: "False", unknown: "Unknown" };

function condition<T>(type: string, found: Found<T>, words: Words<T>): Condition {
  const message = found.kind === "there" ? words.message(found.value) : found.message;
  return { type, status: STATUSES[found.kind], reason: words[found.kind], message };
}
