import { addonTask } from "../../../runner/kubernetes/addon-task.ts";
import { openFileCluster } from "../../../runner/kubernetes/file-cluster.ts";
import { fixtures } from "./temporary-manifests.ts";

test("each direction has the parameters of its own task", async () => {
  const cluster = await openFileCluster(fixtures);
  const appBinding = await cluster.appBinding({ namespace: "shop", name: "orders" });

  expect(addonTask(appBinding, "backup")).toEqual({ name: "orders-backup", params: { waitTimeout: "60" } });
  expect(addonTask(appBinding, "restore")).toEqual({ name: "orders-restore", params: { policy: "skip" } });
});

test("an AppBinding without addon names no task", async () => {
  const cluster = await openFileCluster(fixtures);
  const appBinding = await cluster.appBinding({ namespace: "shop", name: "ledger" });

  expect(addonTask(appBinding, "restore")).toEqual({ name: undefined, params: {} });
});
