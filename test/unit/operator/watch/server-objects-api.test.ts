import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import type { LiveObject } from "../../../../operator/objects.ts";
import type { ObjectsApi, WatchEvent } from "../../../../operator/objects-api.ts";
import { retryAfterMsOf } from "../../../../operator/watch/retry-after.ts";
import { type ObjectsApiOptions, openObjectsApi } from "../../../../operator/watch/server-objects-api.ts";
import { session } from "../../../contract/objects-api.ts";
import { startSwitchableProxy } from "../../../fakes/switchable-proxy.ts";

type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => unknown;

interface World extends AsyncDisposable {
  readonly api: ObjectsApi;
  readonly urls: URL[];
  readonly tokens: (string | undefined)[];
  readonly warnings: string[];
}

const NAME = { namespace: "demo", name: "a" };
const WATCH = { resourceVersion: "1" };

/** An API whose every answer is written here. */
async function answerWith(answer: Answer, options: Partial<ObjectsApiOptions> = {}): Promise<World> {
  const [urls, tokens, warnings]: [URL[], (string | undefined)[], string[]] = [[], [], []];
  const server = createServer((request, response) => {
    urls.push(new URL(request.url ?? "", "http://api"));
    tokens.push(request.headers.authorization);
    answer(request, response, urls.length - 1);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  let token = "first";
  const connection = {
    server: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    credentials: async () => ({ headers: { authorization: `Bearer ${token}` } }),
    renew: async () => {
      token = "second";
    },
  };
  const api = openObjectsApi(connection, { warn: (message) => warnings.push(message), ...options });
  return {
    api,
    urls,
    tokens,
    warnings,
    async [Symbol.asyncDispose]() {
      api[Symbol.dispose]();
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function send(response: ServerResponse, status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
  response
    .writeHead(status, { "content-type": "application/json", ...headers })
    .end(typeof body === "string" ? body : JSON.stringify(body));
}

function status(code: number, fields: object): object {
  return { kind: "Status", apiVersion: "v1", status: "Failure", code, ...fields };
}

function live(name: string, version: number, fields: object = {}): LiveObject {
  const metadata = {
    namespace: "demo",
    name,
    uid: `uid-${name}`,
    resourceVersion: String(version),
    creationTimestamp: "2026-11-22T03:00:00Z",
  };
  return { apiVersion: "stash.appscode.com/v1beta1", kind: "BackupSession", metadata, ...fields };
}

function line(type: string, object: object): string {
  return `${JSON.stringify({ type, object })}\n`;
}

async function all(events: AsyncIterable<WatchEvent>): Promise<WatchEvent[]> {
  const seen: WatchEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

describe("a call", () => {
  test("that is answered 401 is sent once more with new credentials", async () => {
    await using world = await answerWith((_, response, count) =>
      count === 0 ? send(response, 401, "") : send(response, 200, live("a", 1)),
    );

    expect(await world.api.get("BackupSession", NAME)).toEqual(live("a", 1));

    expect(world.tokens).toEqual(["Bearer first", "Bearer second"]);
  });

  test("that is answered 401 again is refused", async () => {
    await using world = await answerWith((_, response) => send(response, 401, status(401, { reason: "Unauthorized" })));

    await expect(world.api.get("BackupSession", NAME)).rejects.toMatchObject({ name: "ClusterRefusedError", reason: "Unauthorized" });
    await expect(all(world.api.watch("BackupSession", WATCH))).rejects.toMatchObject({
      name: "ClusterRefusedError",
      reason: "Unauthorized",
    });

    expect(world.urls).toHaveLength(4);
  });

  test.each([429, 500, 503, 408])("that is answered %d has no answer, and carries how long to wait", async (code) => {
    await using world = await answerWith((_, response) => send(response, code, "", { "retry-after": "3" }));

    for (const call of [
      () => world.api.get("BackupSession", NAME),
      () => world.api.list("BackupSession"),
      () => all(world.api.watch("BackupSession", WATCH)),
    ]) {
      const error = await call().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ name: "ClusterUnavailableError" });
      expect(retryAfterMsOf(error)).toBe(3_000);
    }
    expect(world.urls).toHaveLength(3);
  });

  test("that is not answered ends in time", async () => {
    await using world = await answerWith(() => undefined, { requestTimeoutMs: 50 });

    await expect(world.api.create(session("demo", "a"))).rejects.toMatchObject({ name: "ClusterUnavailableError" });
    await expect(all(world.api.watch("BackupSession", WATCH))).rejects.toMatchObject({ name: "ClusterUnavailableError" });
  });

  test("goes over a new connection when the idle ones died with the network", async () => {
    const server = createServer((_, response) => send(response, 200, live("a", 1)));
    await once(server.listen(0, "127.0.0.1"), "listening");
    await using _server = {
      async [Symbol.asyncDispose]() {
        server.close();
        server.closeAllConnections();
        await once(server, "close");
      },
    };
    const connectionTo = (port: number) => ({
      server: new URL(`http://127.0.0.1:${port}`),
      credentials: async () => ({}),
      renew: async () => undefined,
    });
    const ask = {
      get: (api: ObjectsApi) => api.get("BackupSession", NAME),
      watch: (api: ObjectsApi) => all(api.watch("BackupSession", WATCH)),
    };
    for (const verb of ["get", "watch"] as const) {
      await using proxy = await startSwitchableProxy(server.address() as AddressInfo);
      using api = openObjectsApi(connectionTo(proxy.port), { warn: () => undefined, requestTimeoutMs: 1_500 });
      await Promise.all(Array.from({ length: 5 }, () => ask.get(api)));
      expect(proxy.connections).toBe(5);
      proxy.swallow();
      proxy.mend();

      await expect(ask[verb](api)).rejects.toMatchObject({ name: "ClusterUnavailableError" });

      expect(await ask.get(api)).toEqual(live("a", 1));
    }
  });

  test("about a kind that the cluster does not know is no answer about the object", async () => {
    await using world = await answerWith((_, response) => send(response, 404, "404 page not found\n"));

    const refusal = { name: "ClusterRefusedError", message: expect.stringContaining("does not know backupsessions") };
    await expect(world.api.get("BackupSession", NAME)).rejects.toMatchObject(refusal);
    await expect(world.api.list("BackupSession")).rejects.toMatchObject(refusal);
    await expect(world.api.replace(live("a", 1))).rejects.toMatchObject(refusal);
    await expect(world.api.remove("BackupSession", { ...NAME, uid: "uid" })).rejects.toMatchObject(refusal);
    await expect(world.api.create(session("demo", "a"))).rejects.toMatchObject(refusal);
    await expect(all(world.api.watch("BackupSession", WATCH))).rejects.toMatchObject(refusal);
  });

  test.each([
    ["a page of a proxy", "<html>Welcome</html>"],
    ["half an object", '{"kind":"BackupSession","meta'],
    ["another kind", { ...live("a", 1), kind: "Job" }],
    ["an object without a version", { ...live("a", 1), metadata: { name: "a", uid: "uid" } }],
    ["nothing", ""],
  ])("that is answered 200 with %s has no answer", async (_what, body) => {
    await using world = await answerWith((_, response) => send(response, 200, body));

    await expect(world.api.get("BackupSession", NAME)).rejects.toMatchObject({ name: "ClusterUnavailableError" });
    await expect(world.api.create(session("demo", "a"))).rejects.toMatchObject({ name: "ClusterUnavailableError" });
    await expect(world.api.replaceStatus(live("a", 1))).rejects.toMatchObject({ name: "ClusterUnavailableError" });
    await expect(world.api.list("BackupSession")).rejects.toMatchObject({ name: "ClusterUnavailableError" });
  });

  test("that meets a conflict of another sort than a taken name is worth another try", async () => {
    await using world = await answerWith((_, response) =>
      send(response, 409, status(409, { reason: "Conflict", message: "quota was changed" })),
    );

    await expect(world.api.create(session("demo", "a"))).rejects.toMatchObject({
      name: "ClusterUnavailableError",
      message: expect.stringContaining("quota was changed"),
    });
  });

  test("whose credentials cannot be had has no answer", async () => {
    const unreadable = async () => {
      throw new Error("the plugin failed");
    };
    using api = openObjectsApi(
      { server: new URL("http://127.0.0.1:9"), credentials: unreadable, renew: unreadable },
      { warn: () => undefined },
    );

    await expect(api.get("BackupSession", NAME)).rejects.toMatchObject({ name: "ClusterUnavailableError" });
    await expect(all(api.watch("BackupSession", WATCH))).rejects.toMatchObject({ name: "ClusterUnavailableError" });
  });
});

describe("writes", () => {
  test("are strict, and deletions name the object's uid", async () => {
    const bodies: unknown[] = [];
    await using world = await answerWith(async (request, response) => {
      bodies.push(await json(request));
      send(response, 200, live("a", 2));
    });

    await world.api.create(session("demo", "a"));
    await world.api.replace(live("a", 1));
    await world.api.replaceStatus(live("a", 1));
    await world.api.remove("BackupSession", { ...NAME, uid: "uid-a" });

    expect(world.urls.slice(0, 3).every(({ search }) => search === "?fieldValidation=Strict")).toBe(true);
    expect(world.urls[2]?.pathname).toMatch(/\/status$/);
    expect(bodies[3]).toMatchObject({ preconditions: { uid: "uid-a" }, propagationPolicy: "Background" });
  });

  test("wait for one another when there are many of them; reading does not wait", async () => {
    const held: (() => void)[] = [];
    await using world = await answerWith((request, response) => {
      if (request.method === "POST") held.push(() => send(response, 201, live("a", 1)));
      else send(response, 200, live("a", 1));
    });

    const writing = Array.from({ length: 20 }, (_, index) => world.api.create(session("demo", `s${index}`)));
    await until(() => held.length === 16);
    await world.api.get("BackupSession", NAME);
    expect(held).toHaveLength(16);
    for (const answer of held.splice(0)) answer();
    await until(() => held.length === 4);
    for (const answer of held) answer();

    expect(await Promise.all(writing)).toHaveLength(20);
  });

  test("tell each warning of the server once", async () => {
    await using world = await answerWith((_, response) => send(response, 201, live("a", 1), { warning: '299 - "old"' }));

    await world.api.create(session("demo", "a"));
    await world.api.create(session("demo", "b"));

    expect(world.warnings).toEqual([expect.stringContaining("old")]);
  });
});

describe("a list", () => {
  const page = (names: readonly string[], next: string) => ({
    kind: "BackupSessionList",
    metadata: { resourceVersion: "10", continue: next },
    items: names.map((name) => {
      const { apiVersion: _version, kind: _kind, ...item } = live(name, 1);
      return { ...item, metadata: { ...item.metadata, managedFields: [{ manager: "kubectl" }] } };
    }),
  });

  test("comes in pages, and its items know what they are", async () => {
    await using world = await answerWith((_, response, count) =>
      send(response, 200, count === 0 ? page(["a", "b"], "next=") : page(["c"], "")),
    );

    const { items, resourceVersion } = await world.api.list("BackupSession", { labelSelector: "tier=one" });

    expect(items).toEqual([live("a", 1), live("b", 1), live("c", 1)]);
    expect(resourceVersion).toBe("10");
    expect(world.urls.map(({ searchParams }) => Object.fromEntries(searchParams))).toEqual([
      { limit: "500", labelSelector: "tier=one" },
      { limit: "500", labelSelector: "tier=one", continue: "next=" },
    ]);
  });

  test("whose next page was forgotten begins again, once", async () => {
    const expired = status(410, { reason: "Expired", message: "too old" });
    await using world = await answerWith((request, response, count) => {
      if (request.url?.includes("continue") && count < 2) send(response, 410, expired);
      else send(response, 200, count === 3 ? page(["c"], "") : page(["a", "b"], "next"));
    });
    await using hopeless = await answerWith((request, response) =>
      request.url?.includes("continue") ? send(response, 410, expired) : send(response, 200, page(["a"], "next")),
    );

    expect((await world.api.list("BackupSession")).items.map(({ metadata }) => metadata.name)).toEqual(["a", "b", "c"]);
    await expect(hopeless.api.list("BackupSession")).rejects.toMatchObject({ name: "ClusterUnavailableError" });
    expect(hopeless.urls).toHaveLength(4);
  });

  test.each([
    ["no items", { kind: "BackupSessionList", metadata: { resourceVersion: "10" } }],
    ["no version", { kind: "BackupSessionList", metadata: {}, items: [] }],
  ])("with %s does not pass for an empty one", async (_what, body) => {
    await using world = await answerWith((_, response) => send(response, 200, body));

    await expect(world.api.list("BackupSession")).rejects.toMatchObject({ name: "ClusterUnavailableError" });
  });
});

describe("a watch", () => {
  const begin = (response: ServerResponse) => response.writeHead(200, { "content-type": "application/json" });

  test("asks for bookmarks, and for an end after minutes", async () => {
    await using world = await answerWith((_, response) => begin(response).end());

    await all(world.api.watch("BackupSession", { resourceVersion: "17", labelSelector: "tier=one", namespace: "demo" }));

    const { pathname, searchParams } = world.urls[0] as URL;
    const { timeoutSeconds, ...asked } = Object.fromEntries(searchParams);
    expect(pathname).toBe("/apis/stash.appscode.com/v1beta1/namespaces/demo/backupsessions");
    expect(asked).toEqual({ watch: "true", allowWatchBookmarks: "true", resourceVersion: "17", labelSelector: "tier=one" });
    expect(Number(timeoutSeconds)).toBeGreaterThanOrEqual(240);
    expect(Number(timeoutSeconds)).toBeLessThanOrEqual(480);
  });

  test("reads lines however they are cut, in the midst of a character too", async () => {
    const sent = Buffer.from(
      line("ADDED", live("a", 2, { spec: { note: "Größe €😀" } })) +
        "\n" +
        line("BOOKMARK", { kind: "BackupSession", metadata: { resourceVersion: "3" } }) +
        line("DELETED", live("a", 4)),
    );
    await using world = await answerWith(async (_, response) => {
      begin(response);
      for (const byte of sent) {
        response.write(Buffer.of(byte));
        await new Promise((resolve) => setImmediate(resolve));
      }
      response.end();
    });

    expect(await all(world.api.watch("BackupSession", WATCH))).toEqual([
      { type: "added", object: live("a", 2, { spec: { note: "Größe €😀" } }) },
      { type: "bookmark", resourceVersion: "3" },
      { type: "deleted", object: live("a", 4) },
    ]);
  });

  test.each([
    ["in the midst of an event", line("ADDED", live("a", 2)).slice(0, -20)],
    ["with a line that is no JSON", "<html>\n"],
    ["with a line that is no event", "17\n"],
    ["with an unknown event", line("RENAMED", live("a", 2))],
    ["with an object of another kind", line("ADDED", { ...live("a", 2), kind: "Job" })],
    ["with a bookmark without a version", line("BOOKMARK", { kind: "BackupSession", metadata: {} })],
    ["with an error", line("ERROR", status(500, { reason: "InternalError", message: "etcd" }))],
  ])("that ends %s has failed", async (_how, last) => {
    await using world = await answerWith((_, response) => begin(response).end(line("ADDED", live("b", 1)) + last));
    const seen: WatchEvent[] = [];

    const watching = (async () => {
      for await (const event of world.api.watch("BackupSession", WATCH)) seen.push(event);
    })();

    await expect(watching).rejects.toMatchObject({ name: "ClusterUnavailableError" });
    expect(seen).toHaveLength(1);
  });

  test("whose connection breaks has failed", async () => {
    await using world = await answerWith((_, response) => begin(response).write(line("ADDED", live("a", 1)), () => response.destroy()));

    await expect(all(world.api.watch("BackupSession", WATCH))).rejects.toMatchObject({ name: "ClusterUnavailableError" });
  });

  test.each([
    [
      "in its stream",
      (response: ServerResponse) => begin(response).end(line("ERROR", status(410, { reason: "Expired", message: "too old" }))),
    ],
    ["at once", (response: ServerResponse) => send(response, 410, status(410, { reason: "Expired", message: "too old" }))],
  ])("from a version that is too old is told so %s", async (_when, answer) => {
    await using world = await answerWith((_, response) => answer(response));

    await expect(all(world.api.watch("BackupSession", WATCH))).rejects.toMatchObject({ name: "GoneError", message: "too old" });
  });

  test("of which nothing comes ends, and that is no failure; what comes puts it off", async () => {
    let sent = 0;
    await using world = await answerWith(
      (_, response) => {
        begin(response).flushHeaders();
        const timer = setInterval(() => {
          sent += 1;
          if (sent <= 5) response.write(line("ADDED", live(`n${sent}`, sent)));
        }, 60);
        response.on("close", () => clearInterval(timer));
      },
      { silenceMs: 1_000 },
    );

    expect(await all(world.api.watch("BackupSession", WATCH))).toHaveLength(5);
  });

  test("whose reader leaves closes its connection", async () => {
    const closed = Promise.withResolvers<void>();
    await using world = await answerWith((_, response) => {
      response.on("close", () => closed.resolve());
      begin(response).write(line("ADDED", live("a", 1)));
    });

    for await (const _event of world.api.watch("BackupSession", WATCH)) break;

    await closed.promise;
  });

  test("is read no faster than its events are taken", async () => {
    const event = line("ADDED", live("a", 1, { spec: { padding: "x".repeat(64 * 1024) } }));
    const stalled = Promise.withResolvers<number>();
    await using world = await answerWith(async (_, response) => {
      begin(response);
      for (let bytes = 0; bytes < 256 * 1024 * 1024; bytes += event.length) {
        if (response.write(event)) continue;
        const drained = once(response, "drain").then(
          () => true,
          () => true,
        );
        const isDrained = await Promise.race([drained, new Promise<false>((resolve) => setTimeout(resolve, 500, false))]);
        if (!isDrained) return stalled.resolve(bytes);
      }
      stalled.resolve(Number.POSITIVE_INFINITY);
    });

    const watching = world.api.watch("BackupSession", WATCH)[Symbol.asyncIterator]();
    await watching.next();

    expect(await stalled.promise).toBeLessThan(64 * 1024 * 1024);
    await watching.return?.();
  });
});

describe("the server's time", () => {
  const at = (date: Date) => (_: IncomingMessage, response: ServerResponse) =>
    send(response, 200, live("a", 1), { date: date.toUTCString() });

  test("is believed when it is far from ours", async () => {
    await using world = await answerWith(at(new Date(Date.now() + 3_600_000)));

    await world.api.get("BackupSession", NAME);

    expect(world.api.now().getTime() - Date.now()).toBeGreaterThan(3_590_000);
  });

  test("is ours when they are about the same, or it does not tell", async () => {
    await using world = await answerWith(at(new Date(Date.now() - 1_000)));
    await using silent = await answerWith((_, response) => send(response, 200, live("a", 1), { date: "soon" }));

    await world.api.get("BackupSession", NAME);
    await silent.api.get("BackupSession", NAME);

    for (const { api } of [world, silent]) expect(Math.abs(api.now().getTime() - Date.now())).toBeLessThan(1_000);
  });
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("a refusal", () => {
  const FORBIDDEN = status(403, {
    reason: "Forbidden",
    message: 'jobs.batch "a" is forbidden: User "operator" cannot get resource "jobs"',
  });

  test("counts for nothing while the server says that it is not ready", async () => {
    await using world = await answerWith((request, response) =>
      request.url === "/readyz" ? send(response, 500, "informer-sync failed") : send(response, 403, FORBIDDEN),
    );

    const asked = world.api.get("Job", NAME);

    await expect(asked).rejects.toMatchObject({ name: "ClusterUnavailableError", message: expect.stringContaining("not ready") });
  });

  test("that came just before the server was ready is asked for once more", async () => {
    await using world = await answerWith((request, response, count) => {
      if (request.url === "/readyz") return send(response, 200, "ok");
      return count === 0 ? send(response, 403, FORBIDDEN) : send(response, 200, live("a", 7));
    });

    const found = await world.api.get("BackupSession", NAME);

    expect(found?.metadata.name).toBe("a");
    expect(world.urls).toHaveLength(3);
  });

  test("of a server that is ready is one", async () => {
    await using world = await answerWith((request, response) =>
      request.url === "/readyz" ? send(response, 200, "ok") : send(response, 403, FORBIDDEN),
    );

    const asked = world.api.get("Job", NAME);

    await expect(asked).rejects.toMatchObject({ name: "ClusterRefusedError", reason: "Forbidden" });
  });
});
