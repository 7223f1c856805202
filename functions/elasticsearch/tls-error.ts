import { DatabaseRefusedError, DatabaseUnavailableError, type HoldfastError } from "../../runner/errors.ts";

const AUTHORITY_HINT = "Give its authority as the AppBinding's spec.clientConfig.caBundle, or with --tls-ca";
const NAME_HINT = "Give the name that it is for as the AppBinding's spec.clientConfig.serverName, or with --tls-server-name";
const CLIENT_HINT =
  "Give a client certificate and its key in the Secret of the AppBinding's spec.tlsSecret, or with --tls-cert and --tls-key; the server must trust its authority";

const CERTIFICATE_FAULTS: Readonly<Record<string, readonly [fault: string, hint: string]>> = {
  CERT_HAS_EXPIRED: ["has expired", "Renew it; or is the clock of this machine wrong?"],
  CERT_NOT_YET_VALID: ["is not valid yet", "Is the clock of this machine wrong?"],
  ERR_TLS_CERT_ALTNAME_INVALID: ["is for other names", NAME_HINT],
  HOSTNAME_MISMATCH: ["is for other names", NAME_HINT],
  CERT_REVOKED: ["was revoked", "Renew it"],
};

/** What a TLS connection that did not come about means; undefined when the error is not one of TLS. */
export function translateTlsError(
  error: unknown,
  { code, description }: { readonly code: string; readonly description: string },
): HoldfastError | undefined {
  // OpenSSL's messages span lines and name its source files.
  const cause = /^ERR_(SSL|OSSL)|^EPROTO/.test(code) ? new Error(code) : error;
  if (
    code === "ERR_TLS_CERT_ALTNAME_INVALID" ||
    /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)|PATH_LENGTH)/.test(code)
  ) {
    const [fault, hint] = CERTIFICATE_FAULTS[code] ?? ["is not signed by an authority that is trusted here", AUTHORITY_HINT];
    const reason = "TlsVerificationFailed";
    return new DatabaseRefusedError(`The certificate of ${description} ${fault}`, { cause, reason, hint });
  }
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|UNKNOWN_PROTOCOL/.test(code))
    return new DatabaseRefusedError(`${description} does not speak TLS`, {
      cause,
      reason: "TlsRefused",
      hint: "Is the scheme http there?",
    });
  if (/ALERT_(CERTIFICATE_REQUIRED|BAD_CERTIFICATE|HANDSHAKE_FAILURE|UNKNOWN_CA|CERTIFICATE_|UNSUPPORTED_CERTIFICATE)/.test(code))
    return new DatabaseRefusedError(`${description} refuses the TLS connection`, { cause, reason: "TlsRefused", hint: CLIENT_HINT });
  if (/UNEXPECTED_EOF/.test(code))
    return new DatabaseUnavailableError(`${description} ended the TLS connection`, { cause, reason: "DatabaseUnreachable" });
  if (code === "EPROTO" || /^ERR_(SSL|TLS|OSSL)/.test(code))
    return new DatabaseRefusedError(`No TLS connection to ${description} comes about`, {
      cause,
      reason: "TlsRefused",
      hint: "Does this port speak TLS, and a version of it that is still in use?",
    });
  return undefined;
}
