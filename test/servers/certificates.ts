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
  /** What the server's certificate is valid for beside 127.0.0.1 and localhost: "DNS:kubernetes", "IP:10.0.0.1". */
  readonly serverNames?: readonly string[];
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/** Writes the files into `directory`; valid for two days. */
export async function makeCertificates(directory: string, options: CertificateOptions = {}): Promise<CertificateFiles> {
  await ensureProgram("openssl");
  const path = (name: string) => join(directory, name);
  const authority = ["-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=test authority"];
  await execa("openssl", ["req", "-x509", ...NEW_KEY, ...authority], { cwd: directory });
  const names = ["IP:127.0.0.1", "DNS:localhost", ...(options.serverNames ?? [])];
  await writeFile(path("names.ext"), `subjectAltName=${names.join(",")}\n`);
  await sign(directory, "server", { subject: "/CN=server", days: options.serverDays });
  await sign(directory, "client", { subject: options.clientSubject ?? "/CN=client" });
  return {
    ca: path("ca.crt"),
    serverCert: path("server.crt"),
    serverKey: path("server.key"),
    clientCert: path("client.crt"),
    clientKey: path("client.key"),
  };
}

/** One more certificate of the directory's authority: `name`.crt and `name`.key, for a client that it names as "/O=group/CN=user". */
export async function makeClientCertificate(
  directory: string,
  name: string,
  options: { readonly subject: string },
): Promise<{ readonly cert: string; readonly key: string }> {
  await sign(directory, name, options);
  return { cert: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) };
}

async function sign(directory: string, name: string, { subject, days = 2 }: { subject: string; days?: number | undefined }): Promise<void> {
  const openssl = (...args: string[]) => execa("openssl", args, { cwd: directory });
  await openssl("req", ...NEW_KEY, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", subject);
  const signing = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", String(days), "-extfile", "names.ext"];
  await openssl("x509", "-req", "-in", `${name}.csr`, "-out", `${name}.crt`, ...signing);
}
