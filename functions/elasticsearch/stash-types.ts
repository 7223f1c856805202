// type: what multielasticdump calls a part of an index or cluster. Its users choose types; a snapshot here holds all of them.
import { type GatheredArguments, harmless, type StashArgument, type StashArgumentTable } from "../../runner/stash-arguments.ts";

type Type = "data" | "mapping" | "settings" | "template" | "alias" | "analyzer" | "index";

/** What leaving a type out means: returns why it cannot be kept, if it cannot. */
type LeaveOut = (type: Type, gathered: GatheredArguments) => string | undefined;

const TYPES: readonly Type[] = ["data", "mapping", "settings", "template", "alias", "analyzer", "index"];
/** What multielasticdump carries when it is told nothing. */
const USUAL_TYPES: readonly Type[] = ["data", "mapping", "settings", "template"];

/** `--ignoreType=a,b`, `--includeType=a,b` and `--ignoreData` and so on of a dump. */
export const backupTypeArguments = typeArguments((type, { warnings }) => {
  if (type === "data") return "a backup always holds the documents: remove it from the Task's args";
  warnings.push(
    "The backup holds settings, mappings, aliases and templates whatever the arguments say of types; a restore can leave templates out",
  );
  return undefined;
});

/** The same of a load. Indices are never filled up: what is there already is the policy's business. */
export const restoreTypeArguments = typeArguments((type, { flags, warnings }) => {
  switch (type) {
    case "data":
      return "a restore always writes the documents: remove it from the Task's args";
    case "alias":
      return "aliases are restored with their indices: remove it from the Task's args, or restore under other names by --rename";
    case "template":
      flags["indices-only"] = "true";
      warnings.push("Because templates are left out, no pipelines, policies and scripts are restored either, as by --indices-only");
      return undefined;
    case "settings":
    case "mapping":
      warnings.push(
        "Indices are made with the settings and mappings of the backup although the arguments leave them out; documents are not added to indices that exist: --policy says what happens to those",
      );
      return undefined;
    default:
      return undefined;
  }
});

function typeArguments(leaveOut: LeaveOut): StashArgumentTable {
  const list = (choose: (named: readonly Type[]) => readonly Type[]): StashArgument => ({
    takes: "value",
    read: (value, gathered) => {
      const named = value.split(",").filter((word) => word !== "");
      const types = named.map((word) => word.charAt(0).toLowerCase() + word.slice(1));
      if (!types.every(isType)) return `expected some of ${TYPES.join(",")}`;
      return joinFaults(choose(types).map((type) => leaveOut(type, gathered)));
    },
  });
  const one = (type: Type): StashArgument => ({
    takes: "switch",
    read: (value, gathered) => (value === "true" ? leaveOut(type, gathered) : undefined),
  });
  return {
    ignoreType: list((named) => named),
    includeType: list((named) => (named.length === 0 ? [] : USUAL_TYPES.filter((type) => !named.includes(type)))),
    ...Object.fromEntries(TYPES.map((type) => [`ignore${type.charAt(0).toUpperCase()}${type.slice(1)}`, one(type)])),
    // analyzers are settings; neither is a type of its own here
    ignoreAnalyzer: harmless("switch"),
    ignoreIndex: harmless("switch"),
  };
}

function isType(word: string): word is Type {
  return TYPES.some((type) => type === word);
}

function joinFaults(faults: readonly (string | undefined)[]): string | undefined {
  const real = faults.filter((fault) => fault !== undefined);
  return real.length === 0 ? undefined : real.join("; ");
}
