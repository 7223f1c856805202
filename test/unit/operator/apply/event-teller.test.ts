import type { TellEvent } from "../../../../operator/action.ts";
import { EventTeller } from "../../../../operator/apply/event-teller.ts";
import { ClusterRefusedError } from "../../../../runner/errors.ts";
import { FakeClock } from "../../../fakes/fake-clock.ts";
import { MemoryObjectsApi } from "../../../fakes/memory-objects-api.ts";
import { recordingLog } from "./apply-cases.ts";

const event: TellEvent = {
  do: "event",
  kind: "BackupSession",
  object: { namespace: "shop", name: "nightly-1", uid: "uid-1" },
  type: "Warning",
  reason: "BackupSkipped",
  message: "Another one is running",
};
const never = new AbortController().signal;

function telling() {
  const clock = new FakeClock();
  const api = new MemoryObjectsApi({ clock });
  const { log, lines } = recordingLog();
  return { clock, api, lines, teller: new EventTeller(api, log, { clock }) };
}

test("the same words about the same object are told once an hour", async () => {
  const { clock, api, teller } = telling();
  await teller.tell(event, never);
  await clock.advance(3_599_000);
  await teller.tell(event, never);
  const withinTheHour = api.all("Event").length;

  await clock.advance(1_000);
  await teller.tell(event, never);

  expect(withinTheHour).toBe(1);
  expect(api.all("Event")).toHaveLength(2);
});

test("an event names its object, its reason and who tells it, and is logged", async () => {
  const { api, lines, teller } = telling();

  await teller.tell(event, never);

  expect(api.all("Event")).toMatchObject([
    {
      involvedObject: { kind: "BackupSession", namespace: "shop", name: "nightly-1", uid: "uid-1" },
      ...{ type: "Warning", reason: "BackupSkipped", message: "Another one is running" },
      source: { component: "holdfast" },
    },
  ]);
  expect(lines).toMatchObject([{ level: "warn", message: "Another one is running", fields: { name: "nightly-1" } }]);
});

test.each<[string, Partial<TellEvent>]>([
  ["other words", { message: "Yet another one is running" }],
  ["another reason", { reason: "BackupWaits" }],
  ["a namesake", { object: { ...event.object, uid: "uid-2" } }],
])("%s are told, too", async (_, other) => {
  const { api, teller } = telling();
  await teller.tell(event, never);

  await teller.tell({ ...event, ...other }, never);

  expect(api.all("Event")).toHaveLength(2);
});

test("an event that cannot be told is logged, and tried again the next time", async () => {
  const { api, lines, teller } = telling();
  api.failNext(new ClusterRefusedError("no right to create events"), { verb: "create" });
  await teller.tell(event, never);
  const told = api.all("Event").length;

  await teller.tell(event, never);

  expect(told).toBe(0);
  expect(lines.map(({ message }) => message)).toContain("Cannot tell the event BackupSkipped: no right to create events");
  expect(api.all("Event")).toHaveLength(1);
});

test("a pass that is cut short ends with its reason, and its event is not taken for told", async () => {
  const { api, teller } = telling();
  const cut = new AbortController();
  api.beforeWrite(() => {
    cut.abort(new Error("the end"));
    throw new Error("the socket is closed");
  });

  await expect(teller.tell(event, cut.signal)).rejects.toThrow("the end");
  api.beforeWrite(() => undefined);
  await teller.tell(event, never);

  expect(api.all("Event")).toHaveLength(1);
});

test("of very many events the oldest are forgotten", async () => {
  const { api, teller } = telling();
  const nth = (index: number): TellEvent => ({ ...event, message: `${index}` });
  for (let index = 0; index <= 5_000; index += 1) await teller.tell(nth(index), never);

  await teller.tell(nth(5_000), never);
  await teller.tell(nth(0), never);

  expect(api.all("Event")).toHaveLength(5_002);
});
