import { createPrivateKey, X509Certificate } from "node:crypto";
import { ParameterError } from "../errors.ts";
import { Secret } from "../secret.ts";

/** The text of one or more PEM certificates, each of them read: a TLS library skips what it does not understand. @throws ParameterError naming `origin` */
export function readCertificates(bytes: Uint8Array, origin: string): string {
  const text = Buffer.from(bytes).toString("utf8");
  const begun = text.match(/-----BEGIN CERTIFICATE-----/g)?.length ?? 0;
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? [];
  if (begun === 0) throw notPem(origin, "it holds no PEM certificate (-----BEGIN CERTIFICATE-----)");
  if (blocks.length !== begun) throw notPem(origin, "one of its certificates is cut off or holds other characters");
  for (const [index, block] of blocks.entries()) readCertificate(block, `${origin}, certificate ${index + 1} of ${blocks.length}`);
  return text;
}

/** A client certificate and the key that belongs to it. @throws ParameterError naming the origin, never the key */
export function readClientCertificate(
  certificate: { bytes: Uint8Array; origin: string },
  key: { bytes: Uint8Array; origin: string },
): { clientCertificate: string; clientKey: Secret } {
  const clientCertificate = readCertificates(certificate.bytes, certificate.origin);
  const pem = Buffer.from(key.bytes).toString("utf8");
  const privateKey = readPrivateKey(pem, key.origin);
  if (!new X509Certificate(clientCertificate).checkPrivateKey(privateKey)) {
    throw new ParameterError(`${key.origin} does not belong to the certificate in ${certificate.origin}`, {
      hint: "Store the certificate and its own key together",
    });
  }
  return { clientCertificate, clientKey: new Secret(pem) };
}

function readCertificate(pem: string, origin: string): void {
  try {
    new X509Certificate(pem);
  } catch (cause) {
    throw new ParameterError(`${origin} is not a certificate`, { cause, hint: "Store PEM certificates as the authority handed them out" });
  }
}

function readPrivateKey(pem: string, origin: string) {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new ParameterError(`${origin} is not a private key in PEM without a passphrase`, {
      cause,
      hint: "Store the client certificate's key as PEM, unencrypted",
    });
  }
}

function notPem(origin: string, fault: string): ParameterError {
  return new ParameterError(`${origin} is not usable: ${fault}`, { hint: "Store PEM certificates as the authority handed them out" });
}
