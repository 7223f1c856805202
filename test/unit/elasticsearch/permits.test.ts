import { Permits } from "../../../functions/elasticsearch/permits.ts";

const NEVER = new AbortController().signal;

/** Names in the order of admission. */
function takeAll(permits: Permits, names: readonly string[], signal = NEVER) {
  const admitted: string[] = [];
  const taken = names.map(async (name) => {
    const permit = await permits.take(signal);
    admitted.push(name);
    return permit;
  });
  return { admitted, taken };
}

async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test("who comes first is admitted first, and never more at once than the limit", async () => {
  const permits = new Permits(2);
  const { admitted, taken } = takeAll(permits, ["a", "b", "c", "d"]);
  await settle();
  expect(admitted).toEqual(["a", "b"]);

  (await taken[1])?.[Symbol.dispose]();
  await settle();

  expect(admitted).toEqual(["a", "b", "c"]);
});

test("a permit that is returned twice counts once", async () => {
  const permits = new Permits(1);
  const { admitted, taken } = takeAll(permits, ["a", "b", "c"]);

  const first = await taken[0];
  first?.[Symbol.dispose]();
  first?.[Symbol.dispose]();
  await settle();

  expect(admitted).toEqual(["a", "b"]);
});

test("a lower limit counts once permits are returned, a higher one at once", async () => {
  const permits = new Permits(2);
  const { admitted, taken } = takeAll(permits, ["a", "b", "c", "d", "e"]);
  await settle();

  permits.limit = 1;
  (await taken[0])?.[Symbol.dispose]();
  await settle();
  expect(admitted).toEqual(["a", "b"]);
  permits.limit = 3;
  await settle();

  expect(admitted).toEqual(["a", "b", "c", "d"]);
});

test("who gives up waiting rejects with the signal's reason and takes nobody's place", async () => {
  const permits = new Permits(1);
  const stop = new AbortController();
  const reason = new Error("stopped");
  const held = await permits.take(NEVER);
  const impatient = expect(permits.take(stop.signal)).rejects.toBe(reason);
  const { admitted } = takeAll(permits, ["patient"]);

  stop.abort(reason);
  held[Symbol.dispose]();
  await settle();

  await impatient;
  await expect(permits.take(stop.signal)).rejects.toBe(reason);
  expect(admitted).toEqual(["patient"]);
});
