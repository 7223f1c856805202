import { openStore, parseStoreLocation, storePrefix } from "../../../runner/storage/open-store.ts";

test.each([
  ["s3://backups", { kind: "s3", bucket: "backups", prefix: "" }],
  ["s3://backups/", { kind: "s3", bucket: "backups", prefix: "" }],
  ["s3://backups/prod/redis", { kind: "s3", bucket: "backups", prefix: "prod/redis" }],
  ["s3://backups//prod//redis/", { kind: "s3", bucket: "backups", prefix: "prod/redis" }],
  ["/var/backups", { kind: "directory", path: "/var/backups" }],
  ["backups", { kind: "directory", path: "backups" }],
  ["./a:b", { kind: "directory", path: "./a:b" }],
])("%s is a place", (text, expected) => {
  expect(parseStoreLocation(text)).toEqual(expected);
});

test.each([
  ["", "empty"],
  ["gs://bucket/prefix", "Google Cloud Storage"],
  ["gs:bucket:/prefix", "Google Cloud Storage"],
  ["azure:container:/", "Azure Blob Storage"],
  ["b2:bucket:/", "Backblaze B2"],
  ["swift:container:/", "Swift"],
  ["rest:https://user:hunter2@host/", "restic REST server"],
  ["sftp:user@host:/path", "SFTP"],
  ["s3:s3.amazonaws.com/bucket", '"s3:"'],
  ["https://host/bucket", '"https:"'],
  ["file:///x", '"file:"'],
  ["s3://", "bucket name"],
  ["s3:///prefix", "bucket name"],
  ["s3://../x", "bucket name"],
  ["s3://b@d/x", "bucket name"],
  ["s3://backups/../x", "prefix"],
  ["s3://backups/a/./b", "prefix"],
  ["s3://backups/a\nb", "prefix"],
])("%j is refused, naming what it is", (text, named) => {
  const parsing = () => parseStoreLocation(text);

  expect(parsing).toThrow(expect.objectContaining({ name: "ParameterError", exitCode: 2, message: expect.stringContaining(named) }));
  expect(parsing).not.toThrow("hunter2");
});

test("a prefix from an object is brought into its plain form", () => {
  expect(storePrefix("/stash-backup//demo/")).toBe("stash-backup/demo");
  expect(storePrefix("")).toBe("");
});

test("an opened store says where it is", () => {
  expect(openStore({ kind: "directory", path: "/var/backups" }).description).toBe("/var/backups");
  expect(openStore({ kind: "s3", bucket: "backups", prefix: "prod", endpoint: "minio:9000" }).description).toBe("s3://backups/prod");
});

test("an endpoint with a password is refused without repeating it", () => {
  const opening = () => openStore({ kind: "s3", bucket: "backups", prefix: "", endpoint: "https://user:hunter2@minio:9000" });

  expect(opening).toThrow(expect.objectContaining({ name: "ParameterError" }));
  expect(opening).not.toThrow("hunter2");
});
