import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Document, LineCounter, parseAllDocuments } from "yaml";
import { ParameterError } from "../errors.ts";
import { apiVersionOf, type ObjectKind, objectSchemas } from "./parse-object.ts";

/** One object as it stands in a file; not yet checked against its schema. */
export interface Manifest {
  readonly file: string;
  readonly kind: ObjectKind;
  readonly name: string;
  /** Absent when the manifest names none: then it is in whatever namespace is asked for. */
  readonly namespace: string | undefined;
  readonly object: Readonly<Record<string, unknown>>;
}

export interface Manifests {
  /** Where status and events are written. */
  readonly directory: string;
  readonly all: readonly Manifest[];
}

/**
 * Reads one file, or every *.yaml, *.yml and *.json of a directory in order of their names: not its subdirectories, no hidden files, no
 * *.status.yaml (we write those). Lists are expanded, documents of kinds that we do not read are ignored.
 * @throws ParameterError for a missing path, for YAML that does not parse (file and line, no excerpt: it may be a secret), and for an object that stands there twice
 */
export async function readManifests(path: string): Promise<Manifests> {
  const { directory, files } = await findFiles(path);
  const all: Manifest[] = [];
  for (const file of files) {
    const bytes = await readFile(file).catch((cause) => throwUnreadable(file, cause));
    for (const object of parseDocuments(file, decodeText(file, bytes))) all.push(...expand(file, object));
  }
  assertNoDuplicates(all);
  return { directory, all };
}

async function findFiles(path: string): Promise<{ directory: string; files: string[] }> {
  const found = await stat(path).catch((cause) => throwUnreadable(path, cause));
  if (!found.isDirectory()) return { directory: dirname(path), files: [path] };
  const names = await readdir(path).catch((cause) => throwUnreadable(path, cause));
  const files: string[] = [];
  for (const name of names.filter(isManifestName).sort()) {
    const file = join(path, name);
    const entry = await stat(file).catch((cause) => throwUnreadable(file, cause));
    if (!entry.isDirectory()) files.push(file);
  }
  return { directory: path, files };
}

function isManifestName(name: string): boolean {
  return /\.(yaml|yml|json)$/.test(name) && !name.startsWith(".") && !name.endsWith(".status.yaml");
}

/** Strict: a replaced character in a password would only show as a wrong password. */
function decodeText(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ParameterError(`Cannot read "${file}": it is not text in UTF-8`, { cause, hint: "Save the file as UTF-8" });
  }
}

function throwUnreadable(path: string, cause: unknown): never {
  const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
  throw new ParameterError(`Cannot read manifests from "${path}"${missing ? ": it does not exist" : ""}`, {
    cause,
    hint: "Name a directory or a file of YAML documents",
  });
}

/** The file's documents as plain objects. The library's own messages quote the source, so only its codes are used. */
export function parseDocuments(file: string, text: string): Record<string, unknown>[] {
  const lines = new LineCounter();
  const objects: Record<string, unknown>[] = [];
  for (const document of parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, merge: true })) {
    const fault = document.errors[0];
    if (fault !== undefined) throw invalidYaml(file, `line ${lines.linePos(fault.pos[0]).line} is`, fault.code);
    const value = toPlain(document, file, lines);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) objects.push(value as Record<string, unknown>);
  }
  return objects;
}

function toPlain(document: Document.Parsed, file: string, lines: LineCounter): unknown {
  let value: unknown;
  try {
    value = document.toJS();
  } catch {
    // Only unknown aliases and too many of them end here. The message names one; it may stand in a Secret.
    throw invalidYaml(file, `the document that begins on line ${lines.linePos(document.range[0]).line} is`, "BAD_ALIAS");
  }
  const warning = document.warnings[0];
  if (warning !== undefined && kindOf(value) !== undefined) {
    throw invalidYaml(file, `line ${lines.linePos(warning.pos[0]).line} is`, warning.code);
  }
  return value;
}

function invalidYaml(file: string, place: string, code: string): ParameterError {
  return new ParameterError(`Cannot read "${file}": ${place} not valid YAML (${code.toLowerCase().replaceAll("_", " ")})`, {
    hint: "Correct the file and run again",
  });
}

function expand(file: string, object: Record<string, unknown>): Manifest[] {
  if (typeof object.kind === "string" && object.kind.endsWith("List") && Array.isArray(object.items)) {
    const item = { apiVersion: object.apiVersion, kind: object.kind.slice(0, -"List".length) };
    // The items of a typed list may leave out what its own kind says.
    return object.items.flatMap((each) => expand(file, item.kind === "" ? each : { ...item, ...each }));
  }
  const kind = kindOf(object);
  if (kind === undefined) return [];
  const { name, namespace } = (object.metadata ?? {}) as Record<string, unknown>;
  if (typeof name !== "string" || name === "") throw invalidObject(file, `a ${kind} has no metadata.name`);
  if (namespace !== undefined && namespace !== null && typeof namespace !== "string") {
    throw invalidObject(file, `metadata.namespace of ${kind} "${name}" is not a string`);
  }
  return [{ file, kind, name, namespace: namespace || undefined, object }];
}

function invalidObject(file: string, message: string): ParameterError {
  return new ParameterError(`Cannot read "${file}": ${message}`, { hint: "Correct the file and run again" });
}

/** The kind, when it is one we read: by name and API group. The version is the schema's to judge. */
function kindOf(value: unknown): ObjectKind | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { apiVersion, kind } = value as Record<string, unknown>;
  if (typeof apiVersion !== "string" || typeof kind !== "string" || !Object.hasOwn(objectSchemas, kind)) return undefined;
  const known = kind as ObjectKind;
  return groupOf(apiVersion) === groupOf(apiVersionOf(known)) ? known : undefined;
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
}

function assertNoDuplicates(manifests: readonly Manifest[]): void {
  const seen = new Map<string, Manifest>();
  for (const manifest of manifests) {
    const key = `${manifest.kind} "${manifest.namespace === undefined ? "" : `${manifest.namespace}/`}${manifest.name}"`;
    const first = seen.get(key);
    if (first !== undefined) throw duplicate(key, first, manifest);
    seen.set(key, manifest);
  }
}

/** The error for one object in two places. */
export function duplicate(object: string, first: Manifest, second: Manifest): ParameterError {
  const places = first.file === second.file ? `twice in "${first.file}"` : `in "${first.file}" and in "${second.file}"`;
  return new ParameterError(`${object} stands ${places}`, { hint: "Keep one of the two" });
}
