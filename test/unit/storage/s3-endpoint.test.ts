import { parseS3Endpoint } from "../../../runner/storage/s3-endpoint.ts";

test.each([
  [undefined, undefined, undefined],
  ["", undefined, undefined],
  ["s3.amazonaws.com", undefined, undefined],
  ["https://s3.amazonaws.com/", undefined, undefined],
  ["s3.eu-west-1.amazonaws.com", undefined, "eu-west-1"],
  ["s3-us-gov-west-1.amazonaws.com", undefined, "us-gov-west-1"],
  ["s3.cn-north-1.amazonaws.com.cn", undefined, "cn-north-1"],
  ["minio:9000", "https://minio:9000", undefined],
  ["minio.demo.svc", "https://minio.demo.svc", undefined],
  ["http://minio:9000/", "http://minio:9000", undefined],
  ["https://gateway/s3", "https://gateway/s3", undefined],
  ["127.0.0.1:9000", "https://127.0.0.1:9000", undefined],
  ["[::1]:9000", "https://[::1]:9000", undefined],
  ["amazonaws.com.evil.example", "https://amazonaws.com.evil.example", undefined],
  ["bucket.vpce-1a2b.s3.us-east-1.vpce.amazonaws.com", "https://bucket.vpce-1a2b.s3.us-east-1.vpce.amazonaws.com", undefined],
])("%s is understood", (text, url, region) => {
  expect(parseS3Endpoint(text)).toEqual({ url, region });
});

test.each(["ftp://host", "https://user:hunter2@host", "http://host?x=1", "http://host#x", "http://", "ho st"])("%s is refused", (text) => {
  expect(() => parseS3Endpoint(text)).toThrow(expect.objectContaining({ name: "ParameterError" }));
  expect(() => parseS3Endpoint(text)).not.toThrow("hunter2");
});
