// versitygw: the S3 server of the tests, over a directory of its own on a free loopback port.
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificates } from "./certificates.ts";
import { freePort } from "./free-port.ts";
import { ensureGoProgram } from "./install.ts";
import * as s3 from "./s3-server.ts";
import { spawnServer } from "./spawn-server.ts";

const PROGRAM = { name: "versitygw", module: "github.com/versity/versitygw/cmd/versitygw", version: "v1.8.0" };

/** Resolves with the program's path; builds it when it is not cached (minutes, once). */
export function ensureVersitygw(): Promise<string> {
  return ensureGoProgram(PROGRAM);
}

/** Builds the program when it is not cached, starts it and waits until it accepts connections. */
export async function startVersitygw(options: s3.S3ServerOptions = {}): Promise<s3.S3Server> {
  const program = await ensureVersitygw();
  const directory = await mkdtemp(join(tmpdir(), "holdfast-versitygw-"));
  const certificates = options.tls ? await makeCertificates(directory) : undefined;
  const port = await freePort();
  for (const folder of ["data", "versions"]) await mkdir(join(directory, folder));
  const tls = certificates === undefined ? [] : ["--cert", certificates.serverCert, "--key", certificates.serverKey];
  const args = [
    "--port",
    `127.0.0.1:${port}`,
    "--access",
    s3.ACCESS_KEY,
    "--secret",
    s3.SECRET_KEY,
    "--region",
    s3.REGION,
    "--quiet",
    ...tls,
  ];
  args.push("posix", "--versioning-dir", join(directory, "versions"), join(directory, "data"));
  const server = await spawnServer(program, { args, cwd: directory, isReady: () => s3.accepts(port) });
  const endpoint = `${options.tls ? "https" : "http"}://127.0.0.1:${port}`;
  const client = s3.clientFor(endpoint);
  const stop = async () => {
    client.destroy();
    await server.kill();
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  return {
    name: "versitygw",
    endpoint,
    port,
    pid: server.pid,
    accessKey: s3.ACCESS_KEY,
    secretKey: s3.SECRET_KEY,
    ca: certificates === undefined ? undefined : await readFile(certificates.ca, "utf8"),
    client,
    createBucket: (name, bucket) => s3.createBucket(client, name, bucket),
    unfinishedUploads: (bucket, key) => s3.unfinishedUploads(client, bucket, key),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
