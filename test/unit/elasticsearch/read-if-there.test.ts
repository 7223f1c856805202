import { readIfThere } from "../../../functions/elasticsearch/read-if-there.ts";
import { answerJson, openTransport, startScriptedHttp } from "./scripted-http-server.ts";

async function ask(status: number, body: unknown, query?: Record<string, string>) {
  await using server = await startScriptedHttp((_, response) => answerJson(response, body, status));
  await using transport = openTransport(server.port);
  return await readIfThere(transport, { method: "GET", path: "/_thing", ...(query === undefined ? {} : { query }) }, "the right to things");
}

const fault = (type: string, reason: string) => ({ error: { type, reason, root_cause: [{ type, reason }] } });

test.each([
  ["no handler found", 400, { error: "no handler found for uri [/_thing] and method [GET]" }],
  ["an index of an impossible name", 400, fault("invalid_index_name_exception", "Invalid index name [_thing]")],
  ["another method", 405, { error: "Incorrect HTTP method for uri [/_thing] and method [GET], allowed: [POST]", status: 405 }],
  ["nothing by this name", 404, fault("resource_not_found_exception", "nothing")],
  ["not offered here", 410, fault("api_not_available_exception", "not here")],
  ["not licensed", 403, fault("security_exception", "current license is non-compliant for [watcher]")],
])("%s means that the server does not have it", async (_, status, body) => {
  await expect(ask(status, body)).resolves.toBeUndefined();
});

test("An empty answer with 404 means that there are none", async () => {
  await expect(ask(404, {})).resolves.toEqual({});
});

test.each([
  [403, fault("security_exception", "action is unauthorized"), { reason: "PermissionDenied", hint: "The user needs the right to things" }],
  [401, fault("security_exception", "unable to authenticate"), { reason: "WrongCredentials" }],
  [500, fault("illegal_state_exception", "failed to find action"), { reason: "DatabaseRefused" }],
  [503, fault("master_not_discovered_exception", "no master"), { reason: "ClusterNotReady" }],
  [400, fault("parse_exception", "broken"), { reason: "DatabaseRefused" }],
  [404, "<html>", { reason: "UnexpectedAnswer" }],
])("%i with %j is never taken for an absence", async (status, body, failure) => {
  await using server = await startScriptedHttp((_, response) =>
    typeof body === "string" ? response.writeHead(status).end(body) : answerJson(response, body, status),
  );
  await using transport = openTransport(server.port);

  await expect(readIfThere(transport, { method: "GET", path: "/_thing" }, "the right to things")).rejects.toMatchObject(failure);
});

test("A parameter that is not known is left out in a second try", async () => {
  await using server = await startScriptedHttp(({ url }, response) =>
    url.includes("size")
      ? answerJson(response, fault("illegal_argument_exception", "request [/_thing] contains unrecognized parameter: [size]"), 400)
      : answerJson(response, { things: [1] }),
  );
  await using transport = openTransport(server.port);

  const answer = await readIfThere(transport, { method: "GET", path: "/_thing", query: { size: 5 } }, "the right to things");

  expect(answer).toEqual({ things: [1] });
  expect(server.requests.map(({ url }) => url)).toEqual(["/_thing?size=5", "/_thing"]);
});
