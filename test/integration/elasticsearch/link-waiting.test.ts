// A server that is not there yet, is on its way up, has lost a shard, goes away.
import { searchEndpoint } from "../../../functions/elasticsearch/endpoint.ts";
import { SearchTransport } from "../../../functions/elasticsearch/transport.ts";
import { waitUntilReady } from "../../../functions/elasticsearch/wait-until-ready.ts";
import { startElasticsearch } from "../../servers/elasticsearch-server.ts";
import { freePort } from "../../servers/free-port.ts";

test("R6: a server is waited for while it starts, told when it is red, and missed when it is killed", async () => {
  const port = await freePort();
  await using transport = open(port);
  const early = wait(180_000);

  const waiting = waitUntilReady(transport, early.options);
  await using server = await startElasticsearch({ version: "8.19.4", port });
  const found = await waiting;

  expect(found).toMatchObject({ flavour: "elasticsearch", version: "8.19.4" });
  expect(early.logged.some((because) => because.includes("connection refused"))).toBe(true);

  // A shard that no node may hold: the index is red, others are not.
  await transport.json({ method: "PUT", path: "/sound", body: { settings: { number_of_replicas: 0 } } });
  const nowhere = { "index.routing.allocation.require._name": "nobody", number_of_replicas: 0 };
  await transport.json({
    method: "PUT",
    path: "/homeless",
    query: { wait_for_active_shards: 0, timeout: "1s" },
    body: { settings: nowhere },
  });
  const red = wait(300);
  await waitUntilReady(transport, red.options);

  expect(red.warned).toEqual([["ClusterRed", expect.stringMatching(/of homeless$/)]]);
  await expect(transport.json({ method: "POST", path: "/homeless/_pit", query: { keep_alive: "1m" } })).rejects.toMatchObject({
    exitCode: 20,
  });

  await server.kill();

  await expect(transport.json({ method: "GET", path: "/" })).rejects.toMatchObject({ reason: "DatabaseUnreachable", exitCode: 20 });
  await expect(waitUntilReady(transport, wait(1_500).options)).rejects.toMatchObject({ reason: "DatabaseUnreachable" });
}, 300_000);

function wait(waitTimeoutMs: number) {
  const logged: string[] = [];
  const warned: [string, string][] = [];
  const ignore = () => undefined;
  const info = (_: string, fields?: Readonly<Record<string, unknown>>) => void logged.push(String(fields?.because));
  const log = { debug: ignore, info, warn: ignore, error: ignore };
  const warn = (reason: string, message: string) => void warned.push([reason, message]);
  return { options: { waitTimeoutMs, signal: new AbortController().signal, log, warn }, logged, warned };
}

function open(port: number): SearchTransport {
  const description = `http://127.0.0.1:${port}`;
  const place = { scheme: "http", host: "127.0.0.1", port, path: "" };
  const endpoint = searchEndpoint({ description, ...place, tls: { verify: true }, credentials: new Map() });
  return new SearchTransport(endpoint, { signal: new AbortController().signal, connections: 2, idleTimeoutMs: 60_000 });
}
