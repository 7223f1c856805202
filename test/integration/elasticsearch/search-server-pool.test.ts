import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAlive } from "../../servers/java-server.ts";
import { askServer } from "../../servers/search-server.ts";
import { POOL_FOLDER, POOL_OWNER, stopPool, useOpenSearch } from "../../servers/search-server-pool.ts";

test("a server of a pool outlives its users, is replaced when it died, and ends with the pool", async () => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-pool-"));
  const before = { [POOL_FOLDER]: process.env[POOL_FOLDER], [POOL_OWNER]: process.env[POOL_OWNER] };
  Object.assign(process.env, { [POOL_FOLDER]: folder, [POOL_OWNER]: String(process.pid) });
  try {
    const first = await useOpenSearch("2.19.1");
    await first[Symbol.asyncDispose]();
    const second = await useOpenSearch("2.19.1");
    const health = await askServer(second, "GET /_cluster/health");
    await second.kill();
    const third = await useOpenSearch("2.19.1");
    const wasAlive = isAlive({ group: third.pid, directory: third.directory });

    await stopPool(folder);

    expect(health.status).toBe(200);
    expect(second.pid).toBe(first.pid);
    expect(third.pid).not.toBe(first.pid);
    expect(wasAlive).toBe(true);
    expect(isAlive({ group: third.pid, directory: third.directory })).toBe(false);
    expect([folder, first.directory, third.directory].filter(existsSync)).toEqual([]);
  } finally {
    if (existsSync(folder)) await stopPool(folder);
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}, 240_000);
