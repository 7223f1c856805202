/** The bytes of standard base64; line breaks are allowed, as Kubernetes allows them. `undefined` for anything else: `Buffer` would drop it silently. */
export function decodeBase64(text: string): Buffer | undefined {
  const joined = text.replace(/[\r\n]/g, "");
  const isBase64 = joined.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(joined);
  return isBase64 ? Buffer.from(joined, "base64") : undefined;
}
