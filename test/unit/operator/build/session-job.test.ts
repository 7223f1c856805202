import { jobSettings, sessionJob } from "../../../../operator/build/session-job.ts";
import { resolve } from "../../kubernetes/resolve-parts.ts";

const now = new Date("2026-11-22T03:00:00Z");

test.each([
  ["what is left, rounded up", 59_001, 60],
  ["a second when nothing is left", 0, 1],
  ["a second when it is late", -5_000, 1],
  ["no more than the API server takes", 100 * 365 * 86_400_000, 2 ** 31 - 1],
])("the pod has %s", (_, leftMs, seconds) => {
  const { job } = resolve();

  const { spec } = sessionJob(job, { deadline: new Date(now.getTime() + leftMs), now });

  expect(spec.template.spec.activeDeadlineSeconds).toBe(seconds);
  expect(spec.template.spec.containers).toEqual(job.spec.template.spec.containers);
});

test("without a deadline the pod has all the time it wants", () => {
  const { job } = resolve();

  expect(sessionJob(job, { deadline: undefined, now })).toEqual(job);
});

const image = "registry.example/holdfast:1";
test.each([
  ["http://push:9091", "http://push:9091"],
  [undefined, undefined],
  ["http://me:canary@push:9091", undefined],
  ["canary", undefined],
])("of the gateway %j a Job names %j: everybody may read it", (pushgatewayUrl, printed) => {
  expect(jobSettings({ image, pushgatewayUrl })).toEqual({ operatorImage: image, pushgatewayUrl: printed });
});
