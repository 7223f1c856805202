import { pino } from "pino";
import type { Log } from "./function.ts";
import type { Redaction } from "./redaction.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFormat = "json" | "text";

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  readonly redaction: Redaction;
  /** Takes whole lines, newline included. */
  readonly write: (line: string) => void;
  /** Set once, on every line: the function, the namespace. */
  readonly scope: Readonly<Record<string, unknown>>;
}

const SECRET_FIELDS = ["password", "passphrase", "secret", "token", "secretAccessKey", "authorization"];

/** JSON lines (RFC 3339 UTC time, level, msg, facts as fields), or the same for a person's eyes. Every line passes the redaction. */
export function createLog(options: LogOptions): Log {
  const logger = pino(
    {
      level: options.level,
      base: { ...options.scope },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]), censor: "[redacted]" },
    },
    { write: (line: string) => options.write(options.redaction.redact(options.format === "text" ? asText(line) : line)) },
  );
  const method = (level: LogLevel) => (message: string, fields?: Readonly<Record<string, unknown>>) => logger[level](fields ?? {}, message);
  return { debug: method("debug"), info: method("info"), warn: method("warn"), error: method("error") };
}

function asText(line: string): string {
  const { level, time, msg, hint, function: _scope, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const mark = level === "info" ? "" : `${String(level).toUpperCase()} `;
  const told = Object.entries(fields).filter(([, value]) => JSON.stringify(value) !== "{}");
  const facts = told.map(([name, value]) => ` ${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  return `${String(time).slice(11, 19)} ${mark}${String(msg)}${facts.join("")}\n${hint === undefined ? "" : `  ${String(hint)}\n`}`;
}
