// Users with few rights on a real server: its own users need index templates that the archive of the tests lacks, users in files need nothing.
import { pbkdf2Sync, randomBytes } from "node:crypto";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { askServer, type SearchServer } from "../../servers/search-server.ts";

/** As Elasticsearch's API has it. */
export interface Role {
  readonly cluster: readonly string[];
  readonly indices: readonly object[];
}

export const FILE_PASSWORD = "canary-5f1c";

/** Adds users, each with the role of its own name, and resolves when the server has read all of that. */
export async function addFileUsers(server: SearchServer, roles: Readonly<Record<string, Role>>): Promise<void> {
  const file = (name: string) => join(server.directory, "config", name);
  const names = Object.keys(roles);
  // JSON is YAML.
  await appendFile(file("roles.yml"), names.map((name) => `\n${name}: ${JSON.stringify(roles[name])}`).join(""));
  await appendFile(file("users_roles"), names.map((name) => `\n${name}:${name}`).join(""));
  await appendFile(file("users"), names.map((name) => `\n${name}:${hashPassword(FILE_PASSWORD)}`).join(""));
  const deadline = Date.now() + 60_000;
  for (const username of names) {
    const asUser = { ...server, credentials: { username, password: FILE_PASSWORD } };
    while (!(await knows(asUser, username))) {
      if (Date.now() > deadline) throw new Error(`The server does not take user ${username}: ${server.output().slice(-2_000)}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** Whether the user is known with a role that is known: an unknown role gives no rights at all. */
async function knows(asUser: SearchServer, username: string): Promise<boolean> {
  const { status, body } = await askServer(asUser, "GET /_security/user/_privileges");
  if (status !== 200) return false;
  const { cluster, indices } = JSON.parse(body.toString()) as { cluster: unknown[]; indices: unknown[] };
  return username !== "" && cluster.length + indices.length > 0;
}

function hashPassword(password: string): string {
  const salt = randomBytes(32);
  const hash = pbkdf2Sync(password, salt, 10_000, 32, "sha512");
  return `{PBKDF2}10000$${salt.toString("base64")}$${hash.toString("base64")}`;
}
