import * as z from "zod";

/** OpenAPI as CustomResourceDefinitions take it: nothing but these words, and no two ways to say one thing. */
export interface StructuralSchema {
  readonly type?: "object" | "array" | "string" | "integer" | "boolean";
  readonly description?: string;
  readonly format?: string;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly items?: StructuralSchema;
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: StructuralSchema;
  readonly "x-kubernetes-preserve-unknown-fields"?: true;
  readonly "x-kubernetes-embedded-resource"?: true;
  readonly "x-kubernetes-int-or-string"?: true;
}

// Limits of length, range and spelling are for whoever reads the object: an API server goes on to take what it always took.
const JUDGED_BY_THE_READER = ["pattern", "minimum", "maximum", "minLength", "propertyNames", "maxLength", "x-needed-in-use"];
const COPIED = ["description", "type", "format", "enum", "default", "x-kubernetes-preserve-unknown-fields"];
const TYPES: readonly unknown[] = ["object", "array", "string", "integer", "boolean"];
const NESTED = ["items", "properties", "required", "additionalProperties"];
const FORMATS: Readonly<Record<string, string>> = { safeint: "int64", int32: "int32" };

/**
 * The schema as an API server enforces it: types, enums, formats, defaults and members that must be there. An object of named members has no
 * others, unless it says so; one without named members keeps everything.
 * @throws Error for a schema that cannot be said in a CustomResourceDefinition
 */
export function structuralSchema(schema: z.ZodType): StructuralSchema {
  const json = z.toJSONSchema(schema, {
    io: "input",
    override: ({ zodSchema, jsonSchema }) => {
      const { type, format } = zodSchema._zod.def as { type: string; format?: string };
      if (type === "number") jsonSchema.format = FORMATS[format ?? ""] ?? throwUnsayable("a number that is no int32 or int64");
    },
  });
  const { $schema: _, ...root } = json;
  return convert(root as JsonSchema);
}

type JsonSchema = Readonly<Record<string, unknown>>;

function convert(json: JsonSchema): StructuralSchema {
  const { description } = json;
  if (json["x-kubernetes-int-or-string"] === true) return withoutUndefined({ description, "x-kubernetes-int-or-string": true });
  if (json["x-kubernetes-embedded-resource"] === true) return embedded(description);
  const unknown = Object.keys(json).filter((key) => !COPIED.includes(key) && !NESTED.includes(key) && !JUDGED_BY_THE_READER.includes(key));
  if (unknown.length > 0) throwUnsayable(unknown.join(", "));
  if (!TYPES.includes(json.type)) throwUnsayable(`a field of type ${json.type === undefined ? "any" : String(json.type)}`);
  return withoutUndefined({
    ...Object.fromEntries(COPIED.map((key) => [key, json[key]])),
    items: json.items === undefined ? undefined : convert(json.items as JsonSchema),
    ...(json.type === "object" ? members(json) : {}),
  });
}

function members({ properties, required, additionalProperties }: JsonSchema): Record<string, unknown> {
  const values = additionalProperties as JsonSchema | undefined;
  if (values !== undefined && Object.keys(values).length > 0) return { additionalProperties: convert(values) };
  const byName = (properties ?? {}) as Readonly<Record<string, JsonSchema>>;
  const named = Object.entries(byName);
  if (named.length === 0) return { "x-kubernetes-preserve-unknown-fields": true };
  const needed = ((required ?? []) as string[]).filter((name) => byName[name]?.["x-needed-in-use"] !== true);
  return {
    properties: Object.fromEntries(named.map(([name, member]) => [name, convert(member)])),
    required: needed.length === 0 ? undefined : needed,
  };
}

/** An object of another kind: the API server asks for its apiVersion and kind, and what else it holds is its own affair. */
function embedded(description: unknown): StructuralSchema {
  return withoutUndefined({
    description,
    type: "object",
    "x-kubernetes-embedded-resource": true,
    "x-kubernetes-preserve-unknown-fields": true,
  });
}

function withoutUndefined(schema: Record<string, unknown>): StructuralSchema {
  return Object.fromEntries(Object.entries(schema).filter(([, value]) => value !== undefined));
}

function throwUnsayable(what: string): never {
  throw new Error(`Cannot say in a CustomResourceDefinition: ${what}`);
}
