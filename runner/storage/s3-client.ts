import { X509Certificate } from "node:crypto";
import { Agent } from "node:https";
import { createSecureContext, getCACertificates } from "node:tls";
import type { S3Client, S3ClientConfig } from "@aws-sdk/client-s3";
import { ParameterError } from "../errors.ts";
import type { Secret } from "../secret.ts";
import { parseS3Endpoint } from "./s3-endpoint.ts";

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken?: Secret | undefined;
}

export interface S3ConnectionOptions {
  /** HOST, HOST:PORT or URL; undefined for Amazon's own. */
  readonly endpoint?: string | undefined;
  /** Default: the one in the endpoint's name, else us-east-1. */
  readonly region?: string | undefined;
  /** Trusts any certificate. */
  readonly insecureTls?: boolean | undefined;
  /** PEM; trusted beside the authorities that Node trusts. */
  readonly ca?: string | undefined;
  /** Default: what the SDK finds by itself (service account role, instance role, files). */
  readonly credentials?: S3Credentials | undefined;
  /** "required": only where the operation demands them, for stores that do not know the newer checksums. Default "supported". */
  readonly checksums?: "supported" | "required" | undefined;
  /** Default 10 s. */
  readonly connectTimeoutMs?: number | undefined;
  /** How long a connection may stand still. Default 60 s. */
  readonly idleTimeoutMs?: number | undefined;
}

/** A client that tries once: repeating is the caller's, which knows what may be repeated. Loads the SDK, half of the program's start, on first use. */
export async function createS3Client(options: S3ConnectionOptions): Promise<S3Client> {
  const { S3Client } = await import("@aws-sdk/client-s3");
  return new S3Client(clientConfig(options));
}

function clientConfig(options: S3ConnectionOptions): S3ClientConfig {
  const { credentials, connectTimeoutMs = 10_000, idleTimeoutMs = 60_000 } = options;
  const endpoint = parseS3Endpoint(options.endpoint);
  const checksums = options.checksums === "required" ? "WHEN_REQUIRED" : "WHEN_SUPPORTED";
  return {
    region: options.region || endpoint.region || "us-east-1",
    maxAttempts: 1,
    requestChecksumCalculation: checksums,
    responseChecksumValidation: checksums,
    requestHandler: { connectionTimeout: connectTimeoutMs, socketTimeout: idleTimeoutMs, httpsAgent: httpsAgent(options) },
    ...(endpoint.url !== undefined && { endpoint: endpoint.url, forcePathStyle: true }),
    ...(credentials !== undefined && {
      credentials: {
        accessKeyId: credentials.accessKeyId,
        secretAccessKey: credentials.secretAccessKey.reveal(),
        ...(credentials.sessionToken !== undefined && { sessionToken: credentials.sessionToken.reveal() }),
      },
    }),
  };
}

function httpsAgent({ ca, insecureTls = false }: S3ConnectionOptions): Agent {
  // One context for all connections: parsing the system's authorities for each of them costs milliseconds and megabytes.
  const secureContext = ca === undefined ? undefined : createSecureContext({ ca: [...getCACertificates("default"), checkedCa(ca)] });
  return new Agent({ keepAlive: true, maxSockets: 50, rejectUnauthorized: !insecureTls, ...(secureContext && { secureContext }) });
}

function checkedCa(ca: string): string {
  try {
    new X509Certificate(ca);
    return ca;
  } catch (error) {
    throw new ParameterError("The certificate authority of the store is not a PEM certificate", {
      hint: "check CA_CERT_DATA in the storage secret, or the file given with --s3-ca",
      cause: error,
    });
  }
}
