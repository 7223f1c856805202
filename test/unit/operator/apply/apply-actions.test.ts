import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Action, Push } from "../../../../operator/action.ts";
import { applyActions } from "../../../../operator/apply/apply-actions.ts";
import { identityOf, type LiveObject } from "../../../../operator/objects.ts";
import { ClusterRefusedError, ClusterUnavailableError } from "../../../../runner/errors.ts";
import type { Sample } from "../../../../runner/metrics/metrics.ts";
import type { PushResult } from "../../../../runner/metrics/push-metrics.ts";
import { applying, configuration, cronJob, PLACE } from "./apply-cases.ts";

const SUBJECT = { kind: "BackupConfiguration", name: PLACE } as const;
const sample: Sample = { name: "holdfast_session_success", help: "Whether it went well", value: 1, labels: {} };

function phase(object: LiveObject, value: string): Action {
  return { do: "status", kind: "BackupConfiguration", object: identityOf(object), change: (status) => ({ ...status, phase: value }) };
}

function tell(object: LiveObject, message: string): Action {
  return { do: "event", kind: "BackupConfiguration", object: identityOf(object), type: "Normal", reason: "Told", message };
}

function push(afterwards: Push["afterwards"], groups: readonly string[] = ["one"]): Push {
  return { do: "push", pushes: groups.map((name) => ({ job: "backups", group: { group: name }, samples: [sample] })), afterwards };
}

test("actions are carried out in their order, and what they wrote is told", async () => {
  const { api, parts, written } = applying();
  const object = api.put(configuration());
  const held = (live: LiveObject): LiveObject => ({ ...live, metadata: { ...live.metadata, finalizers: ["stash.appscode.com"] } });

  await applyActions(
    [
      { do: "metadata", kind: "BackupConfiguration", object: identityOf(object), change: held },
      { do: "ensure", object: cronJob() },
      { do: "ensure", object: cronJob() },
      phase(object, "Ready"),
      phase(object, "Ready"),
      { do: "create", object: { ...cronJob(), kind: "Job" } },
      { do: "create", object: { ...cronJob(), kind: "Job" } },
      tell(object, "It is ready"),
    ],
    parts,
  );

  expect(api.writes.map(({ verb, kind }) => `${verb} ${kind}`)).toEqual([
    "replace BackupConfiguration",
    "create CronJob",
    "replaceStatus BackupConfiguration",
    "create Job",
    "create Job",
    "create Event",
  ]);
  expect(written.map(({ kind }) => kind)).toEqual(["BackupConfiguration", "CronJob", "BackupConfiguration", "Job"]);
});

test("what stands there is removed by its uid, and stopped", async () => {
  const { api, parts, written } = applying();
  const job = api.put({ ...cronJob(), kind: "Job" });
  const gone = { ...identityOf(job), uid: "another" };

  await applyActions(
    [
      { do: "stop", job: identityOf(job) },
      { do: "stop", job: gone },
      { do: "remove", kind: "Job", object: gone },
    ],
    parts,
  );
  const stopped = api.peek("Job", PLACE);
  await applyActions([{ do: "remove", kind: "Job", object: identityOf(job) }], parts);

  expect(stopped?.spec).toMatchObject({ activeDeadlineSeconds: 1 });
  expect(api.peek("Job", PLACE)).toBeUndefined();
  expect(written).toHaveLength(1);
});

test("the first action that fails ends the pass", async () => {
  const { api, parts } = applying();
  const object = api.put(configuration());
  api.failNext(new ClusterUnavailableError("away"), { verb: "create" });

  await expect(
    applyActions([phase(object, "NotReady"), { do: "ensure", object: cronJob() }, phase(object, "Ready")], parts),
  ).rejects.toThrow("away");

  expect(api.peek("BackupConfiguration", PLACE)?.status).toEqual({ phase: "NotReady" });
});

test.each(["ensure", "create"] as const)("%s that is refused is followed by what is done instead, and by nothing else", async (verb) => {
  const { api, parts } = applying();
  const object = api.put(configuration());
  api.failNext(new ClusterRefusedError("exceeded quota", { reason: "Forbidden" }), { verb: "create" });
  const refused = (message: string): readonly Action[] => [
    { do: "status", kind: "BackupConfiguration", object: identityOf(object), change: () => ({ phase: "NotReady", message }) },
  ];

  await applyActions([{ do: verb, object: cronJob(), refused }, phase(object, "Ready")], parts);

  expect(api.peek("BackupConfiguration", PLACE)?.status).toEqual({ phase: "NotReady", message: "exceeded quota" });
});

test("a taken name is a refusal, too", async () => {
  const { api, parts } = applying();
  api.put(cronJob({ metadata: { ownerReferences: undefined } }));
  const told: string[] = [];
  const refused = (message: string): readonly Action[] => {
    told.push(message);
    return [];
  };

  await applyActions([{ do: "ensure", object: cronJob(), refused }], parts);

  expect(told).toEqual(['CronJob "shop/nightly" is there already and belongs to nobody whom we know']);
});

test("a refusal within what is done after a push ends the pass as well", async () => {
  const { api, parts } = applying();
  const object = api.put(configuration());
  api.failNext(new ClusterRefusedError("no"), { verb: "create" });

  await applyActions([push(() => [{ do: "create", object: cronJob(), refused: () => [] }]), phase(object, "Ready")], parts);

  expect(api.peek("BackupConfiguration", PLACE)?.status).toBeUndefined();
});

test.each<[string, Error, Partial<Extract<Action, { do: "ensure" }>>]>([
  ["no answer is no refusal", new ClusterUnavailableError("away"), { refused: () => [] }],
  ["a refusal that nothing is done about fails", new ClusterRefusedError("no"), {}],
])("%s", async (_, error, more) => {
  const { api, parts } = applying();
  api.failNext(error, { verb: "create" });

  await expect(applyActions([{ do: "ensure", object: cronJob(), ...more }], parts)).rejects.toBe(error);
});

test("nothing is made for an object that is gone", async () => {
  const { api, parts } = applying({ subject: SUBJECT });
  const object = api.put(configuration());
  api.delete("BackupConfiguration", PLACE);
  api.put(configuration());

  await applyActions(
    [phase(object, "Ready"), { do: "create", object: { ...cronJob(), kind: "Job" } }, tell(object, "It has begun")],
    parts,
  );

  expect(api.writes).toEqual([]);
});

test("a pass goes on when another object than its own is gone", async () => {
  const { api, parts } = applying({ subject: { ...SUBJECT, name: { namespace: "shop", name: "hourly" } } });
  const object = api.put(configuration());
  api.delete("BackupConfiguration", PLACE);

  await applyActions([phase(object, "Ready"), { do: "ensure", object: cronJob() }], parts);

  expect(api.all("CronJob")).toHaveLength(1);
});

test("after the end nothing more is begun", async () => {
  const { api, parts, abort } = applying();
  const object = api.put(configuration());
  api.afterWrite(() => abort.abort(new Error("the end")));

  await expect(applyActions([phase(object, "NotReady"), phase(object, "Ready")], parts)).rejects.toThrow("the end");

  expect(api.peek("BackupConfiguration", PLACE)?.status).toEqual({ phase: "NotReady" });
});

test("without a gateway nothing is pushed, and the pass goes on", async () => {
  const { api, parts } = applying();
  const object = api.put(configuration());
  const results: unknown[] = [];
  const then = (result: PushResult | undefined): readonly Action[] => {
    results.push(result);
    return [phase(object, "Pushed")];
  };

  await applyActions([push(then), tell(object, "It is over")], parts);

  expect(results).toEqual([undefined]);
  expect(api.peek("BackupConfiguration", PLACE)?.status).toEqual({ phase: "Pushed" });
  expect(api.all("Event")).toHaveLength(1);
});

test("all groups are pushed, and the first failure is what counts", async () => {
  await using gateway = await startGateway((request, response) => {
    response.writeHead(request.url?.includes("two") ? 400 : 200).end();
  });
  const { parts } = applying({ pushgatewayUrl: gateway.url });
  const results: (PushResult | undefined)[] = [];
  const then = (result: PushResult | undefined) => {
    results.push(result);
    return [];
  };

  await applyActions([push(then, ["one", "two", "three"]), push(then, ["one"])], parts);

  expect(gateway.paths.filter((path) => /one|two|three/.test(path))).toHaveLength(4);
  expect(results).toMatchObject([{ isPushed: false, message: expect.stringContaining("400") }, { isPushed: true }]);
});

test("a push that is cut short is no failed one: nothing is written about it", async () => {
  const { api, parts, abort } = applying();
  const object = api.put(configuration());
  await using gateway = await startGateway(() => abort.abort(new Error("the end")));

  await expect(applyActions([push(() => [phase(object, "Pushed")])], { ...parts, pushgatewayUrl: gateway.url })).rejects.toThrow("the end");

  expect(api.writes).toEqual([]);
});

async function startGateway(handle: (request: IncomingMessage, response: ServerResponse) => void) {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url ?? "");
    request.resume().on("end", () => handle(request, response));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    paths,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
