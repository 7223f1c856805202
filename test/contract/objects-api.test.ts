import { MemoryObjectsApi } from "../fakes/memory-objects-api.ts";
import { objectsApiSuite } from "./objects-api.ts";

objectsApiSuite("the API in memory", async () => {
  const api = new MemoryObjectsApi();
  return {
    api,
    namespace: "demo",
    otherNamespace: "shop",
    [Symbol.asyncDispose]: async () => {
      if (api.watches > 0) throw new Error(`${api.watches} watches were left behind`);
    },
  };
});
