/** @jest-environment ./test/tools/one-realm-environment.cjs */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HOLDFAST_SERIES } from "../../../runner/metrics/holdfast-series.ts";
import { collectSamples } from "../../../runner/metrics/metrics.ts";
import { pushMetrics } from "../../../runner/metrics/push-metrics.ts";
import { makeCertificates } from "../../servers/certificates.ts";

test("a gateway whose certificate nobody vouches for gets neither metrics nor a password (S1)", async () => {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-gateway-"));
  const { serverCert, serverKey } = await makeCertificates(directory);
  let requests = 0;
  const server = createServer({ cert: await readFile(serverCert), key: await readFile(serverKey) }, (_, answer) => {
    requests += 1;
    answer.end();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;

  const samples = collectSamples(true, [[HOLDFAST_SERIES.buildInfo, { version: "0.0.0" }, 1]]);
  const url = `https://keeper:canary@127.0.0.1:${port}`;
  const result = await pushMetrics(samples, { url, job: "job", group: {}, timeoutMs: 2_000 });
  await new Promise((done) => server.close(done));
  await rm(directory, { recursive: true });

  expect(result).toMatchObject({ isPushed: false, reason: "FailedToPushMetrics", message: expect.stringMatching(/certificate/i) });
  expect(JSON.stringify(result)).not.toContain("canary");
  expect(requests).toBe(0);
});
