import { execa } from "execa";
import { OperatorMetrics } from "../../../operator/serve/operator-metrics.ts";
import { ensureProgram } from "../../servers/install.ts";
import { metricSources } from "../../unit/operator/serve/metric-sources.ts";

test("promtool finds nothing wrong with the operator's own series", async () => {
  const promtool = await ensureProgram("promtool");
  const metrics = new OperatorMetrics(metricSources());
  metrics.passed("backup-session", "done", 3);
  metrics.wrote("Job");
  const { body } = await metrics.text();

  const { exitCode, stdout, stderr } = await execa(promtool, ["check", "metrics"], { input: body, reject: false });

  expect(`${stdout}${stderr}`.trim()).toBe("");
  expect(exitCode).toBe(0);
});
