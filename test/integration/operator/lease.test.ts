import type { LiveObject } from "../../../operator/objects.ts";
import { systemClock } from "../../../operator/watch/clock.ts";
import { type HeldLease, holdLease, type LeaseOptions } from "../../../operator/watch/lease.ts";
import { openObjectsApi } from "../../../operator/watch/server-objects-api.ts";
import { findApi } from "../../../runner/kubernetes/api-place.ts";
import { startSwitchableProxy } from "../../fakes/switchable-proxy.ts";
import { type Kubernetes, startKubernetes } from "../../servers/kubernetes/start-kubernetes.ts";

let server: Kubernetes;

beforeAll(async () => {
  server = await startKubernetes();
}, 1_800_000);

afterAll(() => server.stop());

const SHORT = { clock: systemClock, name: "operator", durationMs: 2_000, renewDeadlineMs: 1_200, periodMs: 200 };

async function openApi(master?: string) {
  const connection = await findApi({ kubeconfig: server.adminKubeconfig, environment: {}, ...(master === undefined ? {} : { master }) });
  return openObjectsApi(connection, { warn: () => undefined });
}

test("the API server takes the lease, its renewals and its return, and the next one follows", async () => {
  using api = await openApi();
  const namespace = await server.objects.createNamespace();
  const problems: unknown[] = [];
  const lost: string[] = [];
  const options: Omit<LeaseOptions, "identity"> = {
    ...SHORT,
    namespace,
    signal: new AbortController().signal,
    onLost: (reason) => lost.push(reason),
    problem: (error) => problems.push(error),
  };
  const first = await holdLease(api, { ...options, identity: "one" });
  const waiting = holdLease(api, { ...options, identity: "two" });
  const renewTime = async () => ((await api.get("Lease", { namespace, name: "operator" })) as LiveObject).spec?.renewTime;
  const begun = await renewTime();
  while ((await renewTime()) === begun) await new Promise((resolve) => setTimeout(resolve, 50));

  await first.release();
  await using second = await waiting;

  expect(second.isHeld).toBe(true);
  const { spec } = (await api.get("Lease", { namespace, name: "operator" })) as LiveObject;
  expect(spec).toMatchObject({ holderIdentity: "two", leaseTransitions: 1 });
  expect(problems).toEqual([]);
  expect(lost).toEqual([]);
});

test("who is cut off loses the lease before the next one has it", async () => {
  await using proxy = await startSwitchableProxy(server);
  using cutOff = await openApi(`https://127.0.0.1:${proxy.port}`);
  using api = await openApi();
  const namespace = await server.objects.createNamespace();
  const order: string[] = [];
  const options = { ...SHORT, namespace, signal: new AbortController().signal };
  const lost = Promise.withResolvers<void>();
  const onLost = () => {
    order.push("one lost it");
    lost.resolve();
  };
  const first = await holdLease(cutOff, { ...options, identity: "one", onLost });
  const waiting = holdLease(api, { ...options, identity: "two", onLost: () => order.push("two lost it") });
  const followed = waiting.then((lease: HeldLease) => {
    order.push("two has it");
    return lease;
  });

  proxy.swallow();
  await lost.promise;
  expect(first.isHeld).toBe(false);
  await using _second = await followed;

  expect(order).toEqual(["one lost it", "two has it"]);
  await first.release();
});
