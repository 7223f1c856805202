import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { type ElasticsearchVersion, ensureElasticsearch } from "../servers/elasticsearch-server.ts";

/** Compiles the plugin that answers GET / into a folder below `directory`; needs a JDK. */
export async function buildRootPlugin(version: ElasticsearchVersion, directory: string): Promise<string> {
  const folder = join(directory, "root-plugin");
  const classes = join(directory, "classes");
  await mkdir(folder, { recursive: true });
  await mkdir(classes, { recursive: true });
  const libraries = join(await ensureElasticsearch(version), "lib/*");
  await execa("javac", ["-cp", libraries, "-d", classes, join(import.meta.dirname, "root-plugin/RootPlugin.java")]);
  await execa("jar", ["cf", join(folder, "root-plugin.jar"), "-C", classes, "."]);
  const properties = {
    name: "root-plugin",
    description: "answers GET /",
    version: "1",
    classname: "holdfast.RootPlugin",
    "java.version": "17",
    "elasticsearch.version": version,
  };
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`);
  await writeFile(join(folder, "plugin-descriptor.properties"), lines.join(""));
  return folder;
}
