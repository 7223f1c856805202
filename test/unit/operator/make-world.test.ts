import { makeWorld, type WorldParts } from "../../../operator/make-world.ts";
import { MemoryObjectsApi } from "../../fakes/memory-objects-api.ts";
import { SETTINGS } from "./invoker-world.ts";

test("what is asked of the server is what was asked for: all of a namespace, or what has the labels", async () => {
  const api = new MemoryObjectsApi();
  for (const [namespace, name, labels] of [
    ["shop", "one", {}],
    ["shop", "two", { team: "carts" }],
    ["cellar", "three", { team: "carts" }],
  ] as const) {
    await api.create({ apiVersion: "v1", kind: "Pod", metadata: { namespace, name, labels } }, {});
  }
  const parts = { api, caches: new Map(), cluster: {}, settings: SETTINGS, signal: new AbortController().signal };
  const world = makeWorld(parts as unknown as WorldParts);
  const namesIn = async (labelSelector?: string) => (await world.liveIn("Pod", "shop", labelSelector)).map(({ metadata }) => metadata.name);

  const answers = await Promise.all([namesIn(), namesIn(), namesIn("team=carts")]);

  expect(answers).toEqual([["one", "two"], ["one", "two"], ["two"]]);
});
