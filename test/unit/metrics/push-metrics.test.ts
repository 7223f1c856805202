import { formatSamples } from "../../../runner/metrics/format-samples.ts";
import { readGatewayUrl } from "../../../runner/metrics/gateway-url.ts";
import type { Sample } from "../../../runner/metrics/metrics.ts";
import { pushMetrics } from "../../../runner/metrics/push-metrics.ts";

const sample: Sample = { name: "holdfast_build_info", help: "x", labels: { version: "1" }, value: 1 };

function push(samples: readonly Sample[], url = "http://127.0.0.1:1") {
  return pushMetrics(samples, { url, job: "j", group: { holdfast_target: "demo.x" } });
}

test.each([
  ["no samples at all", [], /nothing to push/],
  ["a value that is no number", [{ ...sample, value: Number.NaN }], /series "holdfast_build_info" has the value NaN/],
  ["an infinite value", [{ ...sample, value: Number.POSITIVE_INFINITY }], /has the value Infinity/],
  ["the same labels twice", [sample, { ...sample, value: 2 }], /two samples with the same labels/],
  ["a label that the gateway sets", [{ ...sample, labels: { job: "x" } }], /label "job", which the gateway sets/],
  ["the grouping label", [{ ...sample, labels: { holdfast_target: "x" } }], /label "holdfast_target", which the gateway sets/],
  ["a label that is no name", [{ ...sample, labels: { "my-team": "x" } }], /label "my-team": expected a name of letters/],
  ["a label that is reserved", [{ ...sample, labels: { __name__: "x" } }], /label "__name__"/],
  ["a series that is no name", [{ ...sample, name: "holdfast build" }], /Invalid metric name/],
])("%s: nothing is sent, and the reason is told", async (_, samples, message) => {
  const result = await push(samples);

  expect(result).toMatchObject({ isPushed: false, reason: "FailedToPushMetrics", message: expect.stringMatching(message) });
});

test.each([
  ["not a URL", "pushgateway", /is not a URL: expected a URL such as http/],
  ["host and port alone", "pushgateway:9091", /neither http nor https/],
  ["another scheme", "ftp://user:hunter22@pushgateway/", /neither http nor https/],
  ["a query", "http://pushgateway:9091/?token=hunter22", /has a query or a fragment/],
  ["a port that cannot be", "http://user:hunter22@pushgateway:99999", /is not a URL/],
])("a gateway's URL that is %s is refused without quoting a secret", async (_, url, message) => {
  const result = await push([sample], url);

  expect(result).toMatchObject({ isPushed: false, message: expect.stringMatching(message) });
  expect(JSON.stringify(result)).not.toContain("hunter22");
});

test("the description of a gateway is its URL without user, password and slash at the end", () => {
  const gateway = readGatewayUrl("https://user:hunter22@gateway.example:9091/prefix/");

  expect(gateway.description).toBe("https://gateway.example:9091/prefix");
  expect(gateway.redact("it says hunter22")).toBe("it says [redacted]");
});

test("samples of one name that differ in their labels are written as one family of gauges", async () => {
  const text = await formatSamples([sample, { ...sample, labels: { version: "2", extra: "e" }, value: 0.5 }], {});

  expect(text.trim().split("\n")).toEqual([
    "# HELP holdfast_build_info x",
    "# TYPE holdfast_build_info gauge",
    'holdfast_build_info{version="1"} 1',
    'holdfast_build_info{version="2",extra="e"} 0.5',
  ]);
});
