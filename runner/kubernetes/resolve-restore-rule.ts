import { ParameterError } from "../errors.ts";
import type { RestoreSession } from "./cluster.ts";

export type RestoreRule = NonNullable<RestoreSession["spec"]["rules"]>[number];

/** What a restore takes: empty texts and lists where nothing is said. */
export interface RestoreSelection {
  /** The target's alias, when a rule is for it. */
  readonly hostname: string;
  /** Whose snapshots; any host's when empty. */
  readonly sourceHostname: string;
  readonly snapshots: readonly string[];
  readonly paths: readonly string[];
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/**
 * The rule for this target: the first that names its alias (the empty name when it has none), else the one for all the others. No rules at all
 * select the latest snapshot of any host; rules of which none is for this target select nothing, which is refused, not taken for "anything".
 * @throws ParameterError naming the session
 */
export function selectRestoreRule(session: RestoreSession): RestoreSelection {
  const { spec, metadata } = session;
  const origin = `RestoreSession "${metadata.namespace}/${metadata.name}"`;
  const rules = rulesOf(spec, origin);
  const alias = spec.target?.alias ?? "";
  assertRules(rules, origin);
  if (rules.length === 0) return selectionOf({}, { hostname: "", sourceHostname: "" });
  const rule = rules.find(({ targetHosts }) => targetHosts?.includes(alias)) ?? rules.find(isForTheOthers);
  if (rule === undefined) {
    throw new ParameterError(`${origin}: none of its rules is for ${alias === "" ? "a target without an alias" : `the alias "${alias}"`}`, {
      hint: "Name the target's alias in targetHosts of a rule, or leave targetHosts out of one",
    });
  }
  return selectionOf(rule, { hostname: alias, sourceHostname: rule.sourceHost || alias });
}

/** Old sessions have the rules beside the target; an API server with Stash's webhook has moved them. */
function rulesOf({ rules = [], target }: RestoreSession["spec"], origin: string): readonly RestoreRule[] {
  const own = target?.rules ?? [];
  if (rules.length > 0 && own.length > 0) {
    throw new ParameterError(`${origin} has both spec.rules and spec.target.rules`, { hint: "Keep those of the target" });
  }
  return own.length > 0 ? own : rules;
}

function assertRules(rules: readonly RestoreRule[], origin: string): void {
  const fail = (message: string): never => {
    throw new ParameterError(`${origin}: ${message}`, { hint: "Correct the rules and run again" });
  };
  if (rules.filter(isForTheOthers).length > 1) fail("two rules have no targetHosts; one may stand for all the others");
  const hosts = rules.flatMap(({ targetHosts = [] }) => [...new Set(targetHosts)]);
  const twice = hosts.find((host, index) => hosts.indexOf(host) !== index);
  if (twice !== undefined) fail(`the host "${twice}" stands in two rules`);
  if (rules.some(({ snapshots = [], paths = [] }) => snapshots.length > 0 && paths.length > 0)) {
    fail("a rule has both snapshots and paths: one of them only");
  }
}

function isForTheOthers({ targetHosts = [] }: RestoreRule): boolean {
  return targetHosts.length === 0;
}

function selectionOf(rule: RestoreRule, hosts: { hostname: string; sourceHostname: string }): RestoreSelection {
  const { snapshots = [], paths = [], include = [], exclude = [] } = rule;
  return { ...hosts, snapshots, paths, include, exclude };
}
