import { redisRestore } from "../../../functions/redis/restore.ts";
import { type RedisServer, startRedis } from "../../servers/redis-server.ts";
import { ensureSampleModule } from "../../servers/sample-module.ts";
import { databaseConnection } from "./database-connection.ts";
import { restoreContext, type SavedData, saveData } from "./restore-context.ts";

let withModule: { arguments: readonly string[] };
let data: SavedData;
beforeAll(async () => {
  withModule = { arguments: ["--loadmodule", await ensureSampleModule()] };
  await using source = await startRedis(withModule);
  await source.cli("SAMPLE.SET", "mine", "a module's value");
  await source.cli("SET", "plain", "1");
  const saved = await saveData(source);
  data = { rdb: saved.rdb, facts: { ...saved.facts, modules: [{ name: "sample", version: 3 }] } };
});

function restore(target: RedisServer, flags: Readonly<Record<string, string>> = {}) {
  const context = restoreContext(databaseConnection(target), data, { flags });
  return { context, restoring: redisRestore.run(context) };
}

test("a module's values are restored where the module is, and its data beside the keys are told as not restored", async () => {
  await using target = await startRedis(withModule);

  const { context, restoring } = restore(target);
  const { counts } = await restoring;

  expect(counts).toMatchObject({ keys: 2, restored: 2 });
  expect(await target.cli("SAMPLE.GET", "mine")).toBe("a module's value");
  expect(context.warnings).toEqual([{ reason: "ModuleDataNotRestored", message: expect.stringContaining("samplekey") }]);
});

test("a target without the module is refused before anything is written", async () => {
  await using target = await startRedis();

  const { restoring } = restore(target);

  await expect(restoring).rejects.toMatchObject({ exitCode: 21, reason: "ModulesMissing", facts: { missingModules: ["sample"] } });
  expect(await target.cli("DBSIZE")).toBe("0");
});

test("with --allow-missing-modules the module's values fail by name, and all others are restored", async () => {
  await using target = await startRedis();

  const { restoring } = restore(target, { "allow-missing-modules": "true" });

  await expect(restoring).rejects.toMatchObject({
    exitCode: 21,
    reason: "KeysRefused",
    message: expect.stringContaining('key "mine" of database 0'),
    facts: expect.objectContaining({ restored: 1, refused: 1 }),
  });
  expect(await target.cli("GET", "plain")).toBe("1");
});
