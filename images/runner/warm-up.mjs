// Runs the program inside the finished root filesystem, given as the argument, as its user: that proves that nothing is missing, and leaves
// the code that V8 made of what each start executes in the compile cache. Runs as root.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

const USER = 65532;
const root = process.argv[2];
const cache = "/holdfast/compile-cache";
const folder = join(root, cache);

mkdirSync(folder);
chownSync(folder, USER, USER);
// The longest way first, for what the first run compiles is what is kept: objects from the API, then a store that refuses (31).
const server = createServer(answer);
server.listen(0, "127.0.0.1");
await once(server, "listening");
const url = `http://127.0.0.1:${server.address().port}`;
await expect(31, ["snapshots", "--repository", "warm", "--namespace", "up", "--master", url]);
// What a CronJob starts: there is nothing to ask a backup of (41).
await expect(41, ["create-backupsession", "--invoker-name", "none", "--namespace", "up", "--job-name", "none-29400000", "--master", url]);
server.close();
await expect(0, ["--help"]);
await expect(0, ["--version"]);
if (filesIn(folder).length === 0) throw new Error("The compile cache is empty");
handOver(folder);

async function expect(code, args) {
  const program = ["/usr/local/bin/node", "--max-semi-space-size=1", "/holdfast/holdfast.mjs", ...args];
  const env = { HOME: "/home/nonroot", NODE_COMPILE_CACHE: cache };
  const child = spawn("/usr/sbin/chroot", [`--userspec=${USER}:${USER}`, root, ...program], { env, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (printed += text));
  const [ended, signal] = await once(child, "close");
  if (ended !== code) throw new Error(`"${args[0]}" ended with ${ended ?? signal} instead of ${code}: ${printed}`);
}

function answer({ url: path }, response) {
  const [status, type, body] = /\/repositories\//.test(path)
    ? [200, "application/json", JSON.stringify(repository())]
    : /\/secrets\//.test(path)
      ? [200, "application/json", JSON.stringify(secret())]
      : path.startsWith("/api")
        ? [404, "application/json", JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Failure", reason: "NotFound", code: 404 })]
        : [403, "application/xml", "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"];
  response.writeHead(status, { "content-type": type }).end(body);
}

function repository() {
  const s3 = { bucket: "warm", endpoint: `http://127.0.0.1:${server.address().port}`, region: "us-east-1", prefix: "up" };
  const spec = { backend: { s3, storageSecretName: "warm" } };
  return { apiVersion: "stash.appscode.com/v1alpha1", kind: "Repository", metadata: { name: "warm", namespace: "up", uid: "1" }, spec };
}

function secret() {
  const texts = { RESTIC_PASSWORD: "warm", AWS_ACCESS_KEY_ID: "warm", AWS_SECRET_ACCESS_KEY: "warm" };
  const data = Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, Buffer.from(text).toString("base64")]));
  return { apiVersion: "v1", kind: "Secret", metadata: { name: "warm", namespace: "up", uid: "2" }, type: "Opaque", data };
}

function filesIn(path) {
  return readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
}

/** What a container runs as may read the cache, and nobody may change it. */
function handOver(path) {
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
    const each = join(entry.parentPath, entry.name);
    chownSync(each, 0, 0);
    chmodSync(each, entry.isDirectory() ? 0o755 : 0o644);
  }
  chownSync(path, 0, 0);
  chmodSync(path, 0o755);
}
