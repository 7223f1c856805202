import { writeFile } from "node:fs/promises";
import { join } from "node:path";

// What it says goes to its output alone, which we keep in one file.
const LOGGING = `status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
`;

/** Writes the settings, each value YAML already, into `name` and the rules of logging beside it. */
export async function writeServerConfig(folder: string, name: string, settings: Readonly<Record<string, string>>): Promise<void> {
  const lines = Object.entries(settings).map(([key, value]) => `${key}: ${value}\n`);
  await writeFile(join(folder, name), lines.join(""));
  await writeFile(join(folder, "log4j2.properties"), LOGGING);
}
