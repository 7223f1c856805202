import { ParameterError } from "../errors.ts";

export interface S3Endpoint {
  /** Undefined: the SDK finds the address of the bucket's region by itself. */
  readonly url: string | undefined;
  /** Named by the endpoint's host, "s3.eu-west-1.amazonaws.com". */
  readonly region: string | undefined;
}

const AMAZON = /^s3(?:[.-](?<region>[a-z]{2}(?:-[a-z]+)+-\d))?\.amazonaws\.com(?:\.cn)?$/;

/** Reads an endpoint as people write it: no scheme means https; Amazon's own hosts are left to the SDK. @throws ParameterError, without repeating a password */
export function parseS3Endpoint(text: string | undefined): S3Endpoint {
  if (text === undefined || text.trim() === "") return { url: undefined, region: undefined };
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text.trim()) ? text.trim() : `https://${text.trim()}`;
  const url = URL.parse(withScheme);
  const isUsable = url !== null && (url.protocol === "https:" || url.protocol === "http:") && url.search === "" && url.hash === "";
  if (!isUsable || url.username !== "" || url.password !== "") {
    throw new ParameterError("The S3 endpoint is not usable", {
      hint: "Give HOST, HOST:PORT, or an http(s) URL without user, password and query; credentials belong into the storage secret",
    });
  }
  const amazon = AMAZON.exec(url.hostname);
  if (amazon !== null) return { url: undefined, region: amazon.groups?.region };
  return { url: url.href.replace(/\/$/, ""), region: undefined };
}
