import type { Secret } from "./secret.ts";

/**
 * The secrets a run has read, so that whatever leaves the process as text can be searched for them once more. The `Secret` type is the first
 * defence; this one catches a library's message that quotes what it was given.
 */
export class Redaction {
  readonly #values = new Set<string>();

  /** Remembers the secret, and the forms in which it would stand in a URL or in JSON. Values under six characters would garble ordinary text and are left out. */
  add(secret: Secret): void {
    const value = secret.reveal();
    for (const form of [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1), Buffer.from(value).toString("base64")]) {
      if (form.length >= 6) this.#values.add(form);
    }
  }

  redact(text: string): string {
    let clean = text;
    // The longest first: one secret may begin with another.
    for (const value of [...this.#values].sort((left, right) => right.length - left.length)) clean = clean.replaceAll(value, "[redacted]");
    return clean;
  }
}
