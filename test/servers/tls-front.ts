// Speaks TLS in front of a server that does not, as an ingress or a service mesh does.
import { readFile } from "node:fs/promises";
import { type AddressInfo, connect, type Socket } from "node:net";
import { createServer } from "node:tls";
import type { CertificateFiles } from "./certificates.ts";

export interface TlsFront extends AsyncDisposable {
  readonly port: number;
  /** Connections over which something was sent; a client that does not trust the front sends nothing. */
  readonly usedConnections: number;
}

export interface TlsFrontOptions {
  readonly certificates: CertificateFiles;
  /** Whether clients need a certificate of the same authority. */
  readonly wantsClientCertificate?: boolean;
}

export async function startTlsFront(
  targetPort: number,
  { certificates, wantsClientCertificate = false }: TlsFrontOptions,
): Promise<TlsFront> {
  const sockets = new Set<Socket>();
  let usedConnections = 0;
  const options = {
    cert: await readFile(certificates.serverCert),
    key: await readFile(certificates.serverKey),
    ca: await readFile(certificates.ca),
    requestCert: wantsClientCertificate,
    rejectUnauthorized: wantsClientCertificate,
  };
  const server = createServer(options, (client) => {
    const target = connect(targetPort, "127.0.0.1");
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on("error", () => {
        client.destroy();
        target.destroy();
      });
    }
    client.once("data", () => {
      usedConnections += 1;
    });
    client.pipe(target).pipe(client);
  });
  // A client that breaks the handshake off is none of its concern.
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get usedConnections() {
      return usedConnections;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
