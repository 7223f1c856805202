import { connect } from "node:net";
import { type HealthAnswers, serveHealth } from "../../../../operator/serve/serve-health.ts";
import { ParameterError } from "../../../../runner/errors.ts";

const WELL: HealthAnswers = {
  sick: async () => undefined,
  unready: () => undefined,
  metrics: async () => ({ contentType: "text/plain; version=0.0.4", body: "holdfast_operator_is_leader 1\n" }),
};

async function ask(answers: Partial<HealthAnswers>, path: string) {
  await using health = await serveHealth("127.0.0.1:0", { ...WELL, ...answers });
  const response = await fetch(`http://127.0.0.1:${health.port}${path}`);
  return { status: response.status, type: response.headers.get("content-type"), body: await response.text() };
}

test.each<[string, Partial<HealthAnswers>, string, number, string]>([
  ["a process that lives", {}, "/healthz", 200, "ok\n"],
  ["one that should be started anew", { sick: async () => "nothing heard" }, "/healthz", 503, "nothing heard\n"],
  ["one that is ready", {}, "/readyz", 200, "ok\n"],
  ["one that is not yet", { unready: () => "not yet in memory: Job" }, "/readyz", 503, "not yet in memory: Job\n"],
  ["a question with parameters", {}, "/readyz?verbose", 200, "ok\n"],
  ["another path", {}, "/", 404, "There are /healthz, /readyz and /metrics\n"],
  ["a judgement that fails", { sick: () => Promise.reject(new Error("no clock")) }, "/healthz", 500, "no clock\n"],
  [
    "one that throws",
    {
      unready: () => {
        throw new Error("no caches");
      },
    },
    "/readyz",
    500,
    "no caches\n",
  ],
  ["figures that cannot be had", { metrics: () => Promise.reject(new Error("no figures")) }, "/metrics", 500, "no figures\n"],
])("%s is answered", async (_, answers, path, status, body) => {
  expect(await ask(answers, path)).toMatchObject({ status, body });
});

test("metrics are given with their own content type", async () => {
  expect(await ask({}, "/metrics")).toEqual({
    status: 200,
    type: "text/plain; version=0.0.4",
    body: "holdfast_operator_is_leader 1\n",
  });
});

test("an address that is in use is said at once", async () => {
  await using first = await serveHealth("127.0.0.1:0", WELL);

  const second = serveHealth(`127.0.0.1:${first.port}`, WELL);

  await expect(second).rejects.toBeInstanceOf(ParameterError);
  await expect(second).rejects.toMatchObject({
    message: `Cannot listen on "127.0.0.1:${first.port}"`,
    hint: expect.stringContaining("--listen"),
  });
});

test.each(["127.0.0.1:99999", "127.0.0.1:metrics", "no.such.host.invalid:0"])("an address like %s is refused", async (listen) => {
  await expect(serveHealth(listen, WELL)).rejects.toBeInstanceOf(ParameterError);
});

test("it can listen on IPv6, and on every address", async () => {
  await using six = await serveHealth("[::1]:0", WELL);
  await using all = await serveHealth(":0", WELL);

  expect((await fetch(`http://[::1]:${six.port}/healthz`)).status).toBe(200);
  expect((await fetch(`http://127.0.0.1:${all.port}/healthz`)).status).toBe(200);
});

test("its end does not wait for connections that say nothing, and frees the address", async () => {
  const health = await serveHealth("127.0.0.1:0", WELL);
  const idle = connect({ host: "127.0.0.1", port: health.port });
  await new Promise((resolve) => idle.once("connect", resolve));
  await fetch(`http://127.0.0.1:${health.port}/healthz`);
  const closed = new Promise((resolve) => idle.once("close", resolve));

  await health[Symbol.asyncDispose]();

  await closed;
  await using again = await serveHealth(`127.0.0.1:${health.port}`, WELL);
  expect(again.port).toBe(health.port);
});
