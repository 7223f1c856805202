// Certificates for one test: a CA of its own, a server certificate for 127.0.0.1 and localhost, a client certificate.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { ensureProgram } from "./install.ts";

/** Paths of PEM files. */
export interface CertificateFiles {
  readonly ca: string;
  readonly serverCert: string;
  readonly serverKey: string;
  readonly clientCert: string;
  readonly clientKey: string;
}

export interface CertificateOptions {
  /** Whom the client certificate names: "/O=group/CN=user". Default "/CN=client". */
  readonly clientSubject?: string;
  /** How long the server's certificate is valid; below zero it has expired. Default 2. */
  readonly serverDays?: number;
}

/** Writes the files into `directory`; valid for two days. */
export async function makeCertificates(directory: string, options: CertificateOptions = {}): Promise<CertificateFiles> {
  await ensureProgram("openssl");
  const path = (name: string) => join(directory, name);
  const openssl = (...args: string[]) => execa("openssl", args, { cwd: directory });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  await openssl("req", "-x509", ...newKey, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=test authority");
  await writeFile(path("names.ext"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
  const subjects = { server: "/CN=server", client: options.clientSubject ?? "/CN=client" };
  for (const [role, subject] of Object.entries(subjects)) {
    await openssl("req", ...newKey, "-keyout", `${role}.key`, "-out", `${role}.csr`, "-subj", subject);
    const days = String(role === "server" ? (options.serverDays ?? 2) : 2);
    const signing = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", days, "-extfile", "names.ext"];
    await openssl("x509", "-req", "-in", `${role}.csr`, "-out", `${role}.crt`, ...signing);
  }
  return {
    ca: path("ca.crt"),
    serverCert: path("server.crt"),
    serverKey: path("server.key"),
    clientCert: path("client.crt"),
    clientKey: path("client.key"),
  };
}
