import type { Sample } from "./metrics.ts";
import type { PushGroup } from "./push-group.ts";

/** The samples as gauges in Prometheus' text format. @throws Error for what a gateway would refuse or, worse, take for something else */
export async function formatSamples(samples: readonly Sample[], group: PushGroup): Promise<string> {
  if (samples.length === 0) throw new Error("there is nothing to push");
  // Loaded on first use: it costs 40 to 60 ms of processor time, and many runs of the program push nothing.
  const { default: prometheus } = await import("prom-client");
  const registry = new prometheus.Registry();
  for (const [name, family] of Map.groupBy(samples, (sample) => sample.name)) {
    const [first] = family as [Sample];
    const labelNames = [...new Set(family.flatMap(({ labels }) => Object.keys(labels)))];
    for (const label of labelNames) checkLabel(label, { name, group });
    const gauge = new prometheus.Gauge({ name, help: first.help, labelNames, registers: [registry] });
    for (const { labels, value } of family) {
      if (!Number.isFinite(value)) throw new Error(`series "${name}" has the value ${value}`);
      gauge.set(labels, value);
    }
    // The library keeps the last of samples with the same labels, without a word.
    if ((await gauge.get()).values.length !== family.length) throw new Error(`series "${name}" has two samples with the same labels`);
  }
  return registry.metrics();
}

/** The gateway sets these itself, and overwrites what a sample says. */
function checkLabel(label: string, { name, group }: { name: string; group: PushGroup }): void {
  if (label === "job" || label === "instance" || Object.hasOwn(group, label)) {
    throw new Error(`series "${name}" has the label "${label}", which the gateway sets: choose another name`);
  }
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label) || label.startsWith("__")) {
    throw new Error(`series "${name}" has the label "${label}": expected a name of letters, digits and underscores`);
  }
}
