// MinIO: the second S3 server. It differs from versitygw where code can be wrong; building it takes ten minutes, once.
import { copyFile, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificates } from "./certificates.ts";
import { freePort } from "./free-port.ts";
import { ensureGoProgram, hasGoProgram } from "./install.ts";
import * as s3 from "./s3-server.ts";
import { spawnServer } from "./spawn-server.ts";

const PROGRAM = { name: "minio", module: "github.com/minio/minio", version: "v0.0.0-20260212201848-7aac2a2c5b7c" };

/** Whether tests are to run on MinIO too: when it was built before, or when HOLDFAST_ALL_SERVERS asks for it. */
export async function isMinioWanted(): Promise<boolean> {
  return process.env.HOLDFAST_ALL_SERVERS === "1" || hasGoProgram(PROGRAM);
}

/** Resolves with the program's path; builds it when it is not cached. */
export function ensureMinio(): Promise<string> {
  return ensureGoProgram(PROGRAM);
}

/** Builds the program when it is not cached, starts it and waits until it is ready. */
export async function startMinio(options: s3.S3ServerOptions = {}): Promise<s3.S3Server> {
  const program = await ensureMinio();
  const directory = await mkdtemp(join(tmpdir(), "holdfast-minio-"));
  const certificates = options.tls ? await makeCertificates(directory) : undefined;
  const port = await freePort();
  for (const folder of ["data", "certs"]) await mkdir(join(directory, folder));
  if (certificates !== undefined) {
    await copyFile(certificates.serverCert, join(directory, "certs", "public.crt"));
    await copyFile(certificates.serverKey, join(directory, "certs", "private.key"));
  }
  const endpoint = `${options.tls ? "https" : "http"}://127.0.0.1:${port}`;
  const client = s3.clientFor(endpoint);
  const args = ["server", "--quiet", "--address", `127.0.0.1:${port}`, "--certs-dir", join(directory, "certs"), join(directory, "data")];
  const server = await spawnServer(program, {
    args,
    env: { MINIO_ROOT_USER: s3.ACCESS_KEY, MINIO_ROOT_PASSWORD: s3.SECRET_KEY, MINIO_BROWSER: "off", HOME: directory },
    cwd: directory,
    // The port answers before the server does its work.
    isReady: async () => {
      await s3.createBucket(client, "readiness");
      return true;
    },
  });
  const stop = async () => {
    client.destroy();
    await server.kill();
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  return {
    name: "minio",
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
