// Flags of the logging library in Stash's own images: manifests of some installations set them. Our log has its own, --log-level and --log-format.
import * as z from "zod";
import type { Parameter, ParameterTable } from "../parameters.ts";

const FLAGS: Readonly<Record<string, "switch" | "value">> = {
  add_dir_header: "switch",
  alsologtostderr: "switch",
  alsologtostderrthreshold: "value",
  legacy_stderr_threshold_behavior: "switch",
  log_backtrace_at: "value",
  log_dir: "value",
  log_file: "value",
  log_file_max_size: "value",
  log_flush_frequency: "value",
  logtostderr: "switch",
  one_output: "switch",
  skip_headers: "switch",
  skip_log_headers: "switch",
  stderrthreshold: "value",
  v: "value",
  vmodule: "value",
};

/** Accepted in both spellings, with underscores and with dashes, and without effect. */
export const loggingFlags: ParameterTable = Object.fromEntries(
  Object.entries(FLAGS).flatMap(([name, takes]) =>
    [...new Set([name, name.replaceAll("_", "-")])].map((flag) => [`logging:${flag}`, loggingFlag(flag, takes)]),
  ),
);

function loggingFlag(flag: string, takes: "switch" | "value"): Parameter<string | undefined> {
  return {
    flag,
    ...(flag.length === 1 ? { short: flag } : {}),
    env: [],
    placeholder: takes === "switch" ? "BOOL" : "VALUE",
    ...(takes === "switch" ? { isValueOptional: true } : {}),
    schema: z.string().optional(),
    expected: "anything",
    help: "Of Stash's logging; without effect",
  };
}
