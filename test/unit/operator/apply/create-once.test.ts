import { createOnce } from "../../../../operator/apply/create-once.ts";
import type { WantedObject } from "../../../../operator/objects.ts";
import { ClusterUnavailableError } from "../../../../runner/errors.ts";
import { applying, owner } from "./apply-cases.ts";

const NAME = { namespace: "shop", name: "nightly-1766372400" };
const RETRY = { annotations: { "holdfast/retry-of": "uid-1" } };

function session(metadata: object = {}): WantedObject {
  return {
    apiVersion: "stash.appscode.com/v1beta1",
    kind: "BackupSession",
    metadata: { ...NAME, ownerReferences: [owner()], ...metadata },
    spec: { invoker: { kind: "BackupConfiguration", name: "nightly" } },
  };
}

test("an object whose name is free is made", async () => {
  const { api, parts } = applying();

  const made = await createOnce(session(RETRY), parts);

  expect(made?.metadata.uid).toBe(api.peek("BackupSession", NAME)?.metadata.uid);
});

test("an object whose making was not answered counts as made the next time, and there is one", async () => {
  const { api, parts } = applying();
  api.afterWrite(({ index }) => {
    if (index === 0) throw new ClusterUnavailableError("the answer is lost");
  });
  await expect(createOnce(session(RETRY), parts)).rejects.toBeInstanceOf(ClusterUnavailableError);

  const again = await createOnce(session(RETRY), parts);

  expect(again).toBeUndefined();
  expect(api.all("BackupSession")).toHaveLength(1);
});

test("one that was made and has changed since is left as it is", async () => {
  const { api, parts } = applying();
  const stands = api.put(session({ ...RETRY, labels: { team: "carts" }, annotations: { ...RETRY.annotations, more: "1" } }));

  expect(await createOnce(session(RETRY), parts)).toBeUndefined();

  expect(api.peek("BackupSession", NAME)).toBe(stands);
});

test.each<[string, object]>([
  ["another try's", { annotations: { "holdfast/retry-of": "uid-2" } }],
  ["a scheduled one's", {}],
  ["another invoker's", { ...RETRY, ownerReferences: [owner("uid-of-hourly", "hourly")] }],
  ["nobody's", { ...RETRY, ownerReferences: undefined }],
])("a name that is %s is taken", async (_, metadata) => {
  const { api, parts } = applying();
  api.put(session(metadata));

  await expect(createOnce(session(RETRY), parts)).rejects.toMatchObject({ name: "ClusterRefusedError", reason: "NameTaken" });
});

test("a name that is being given back, or was a former namesake's, is waited for", async () => {
  const { api, parts } = applying();
  api.put(session({ finalizers: ["example.com/wait"] }));
  api.delete("BackupSession", NAME);
  await expect(createOnce(session(), parts)).rejects.toBeInstanceOf(ClusterUnavailableError);
  const left = applying();
  left.api.put(session({ ownerReferences: [owner("uid-of-the-former")] }));

  await expect(createOnce(session(), left.parts)).rejects.toBeInstanceOf(ClusterUnavailableError);
});

test("one that goes between the two looks is tried again later", async () => {
  const { api, parts } = applying();
  api.put(session());
  api.afterWrite(() => api.delete("BackupSession", NAME));

  await expect(createOnce(session(), parts)).rejects.toBeInstanceOf(ClusterUnavailableError);
});
