import { joined } from "../../../operator/joined.ts";

/** Questions in the order in which they were asked, each to be answered by hand. */
function questions() {
  const asked: { readonly key: string; readonly answer: (value: number) => void; readonly fail: (error: Error) => void }[] = [];
  const ask = joined((key: string) => {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    asked.push({ key, answer: resolve, fail: reject });
    return promise;
  });
  return { asked, ask };
}

test("whoever asks while an answer is under way shares the next one, which begins when that is there", async () => {
  const { asked, ask } = questions();

  const first = ask("shop");
  const others = [ask("shop"), ask("shop"), ask("shop")];
  expect(asked).toHaveLength(1);
  asked[0]?.answer(1);
  await expect(first).resolves.toBe(1);
  asked[1]?.answer(2);

  await expect(Promise.all(others)).resolves.toEqual([2, 2, 2]);
  expect(asked).toHaveLength(2);
});

test("one after the other, each asks anew", async () => {
  const { asked, ask } = questions();

  for (const value of [1, 2]) {
    const answer = ask("shop");
    asked[value - 1]?.answer(value);
    await expect(answer).resolves.toBe(value);
  }
});

test("different questions do not wait for each other", () => {
  const { asked, ask } = questions();

  void ask("shop");
  void ask("cellar");

  expect(asked.map(({ key }) => key)).toEqual(["shop", "cellar"]);
});

test("a failure is that of its own askers alone", async () => {
  const { asked, ask } = questions();

  const first = ask("shop");
  const second = ask("shop");
  asked[0]?.fail(new Error("cut"));
  await expect(first).rejects.toThrow("cut");
  asked[1]?.answer(2);

  await expect(second).resolves.toBe(2);
});
