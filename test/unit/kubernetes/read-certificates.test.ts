import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { ParameterError } from "../../../runner/errors.ts";
import { readCertificates, readClientCertificate } from "../../../runner/kubernetes/read-certificates.ts";
import { everythingOf, failureOf, fixtureSecret } from "./temporary-manifests.ts";

const origin = 'Secret "shop/x": tls.crt';
const bytesOf = (text: string) => Buffer.from(text);

async function pemOf(key: string): Promise<string> {
  const values = await fixtureSecret("ledger-certificate");
  return Buffer.from(values.get(key) ?? []).toString();
}

test("one certificate and several are returned as they are", async () => {
  const ca = await pemOf("ca.crt");

  expect(readCertificates(bytesOf(ca), origin)).toBe(ca);
  expect(readCertificates(bytesOf(`# first\n${ca}\n${ca}`), origin)).toBe(`# first\n${ca}\n${ca}`);
});

test("what is no certificate, or only a part of one, is refused by its origin", async () => {
  const ca = await pemOf("ca.crt");
  const wrong = {
    nothing: "",
    placeholder: "PLACEHOLDER",
    "a key": await pemOf("tls.key"),
    "the first half": ca.slice(0, ca.length / 2),
    "a good one and a cut one": `${ca}${ca.slice(0, -20)}`,
    "a cut one and a good one": `${ca.slice(0, 100)}\n${ca}`,
    "missing bytes": ca.replace(/\n.{64}\n/, "\n"),
  };

  for (const text of Object.values(wrong)) {
    const error = await failureOf(() => readCertificates(bytesOf(text), origin));
    expect(error).toBeInstanceOf(ParameterError);
    expect(error.message).toContain(origin);
  }
});

test("a client certificate and its key are returned, the key as a secret", async () => {
  const [certificate, key] = [await pemOf("tls.crt"), await pemOf("tls.key")];

  const read = readClientCertificate({ bytes: bytesOf(certificate), origin }, { bytes: bytesOf(key), origin: "tls.key" });

  expect(read.clientCertificate).toBe(certificate);
  expect(read.clientKey.reveal()).toBe(key);
  expect(JSON.stringify(read)).not.toContain("PRIVATE KEY");
});

test("a key that is another's, locked or none at all is refused without showing it", async () => {
  const certificate = { bytes: bytesOf(await pemOf("tls.crt")), origin };
  const other = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" }) as string;
  const locked = createPrivateKey(await pemOf("tls.key")).export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" });

  for (const pem of [other, locked as string, "PLACEHOLDER", other.slice(0, 80)]) {
    const error = await failureOf(() => readClientCertificate(certificate, { bytes: bytesOf(pem), origin: "tls.key" }));
    expect(error).toBeInstanceOf(ParameterError);
    expect(error.message).toContain("tls.key");
    for (const line of pem.split("\n").filter((each) => each !== "")) expect(everythingOf(error)).not.toContain(line);
  }
});
