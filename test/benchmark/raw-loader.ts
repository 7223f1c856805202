// A process: the least that a client can do to load an index. Bulk bodies that were cut beforehand, one a file, several requests in flight; of the
// answers only `errors` is asked for. Ends with a refresh, for without it nothing can be found.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Pool } from "undici";

const { values } = parseArgs({
  options: {
    url: { type: "string", default: "" },
    index: { type: "string", default: "" },
    bodies: { type: "string", default: "" },
    requests: { type: "string", default: "2" },
  },
});
const requests = Number(values.requests);
const pool = new Pool(values.url, { connections: requests });
const files = (await readdir(values.bodies)).map((name) => join(values.bodies, name)).values();
await Promise.all(Array.from({ length: requests }, load));
await (await pool.request({ method: "POST", path: `/${values.index}/_refresh` })).body.dump();
await pool.close();

async function load(): Promise<void> {
  for (const file of files) {
    const path = `/${values.index}/_bulk?refresh=false&filter_path=errors`;
    const answer = await pool.request({
      method: "POST",
      path,
      body: await readFile(file),
      headers: { "content-type": "application/x-ndjson" },
    });
    const { errors } = (await answer.body.json()) as { errors?: boolean };
    if (answer.statusCode !== 200 || errors !== false) throw new Error(`The server refused documents of ${file}`);
  }
}
