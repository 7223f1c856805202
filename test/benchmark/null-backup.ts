// A process: the backup as it ships, with a snapshot that throws its bytes away. What it proves on the way (end mark, end of the RDB,
// CRC64) it proves here too; only frames, encryption and store are missing.
import { redisBackup } from "../../functions/redis/backup.ts";
import type { BackupContext, ParametersOf, SnapshotWriter } from "../../runner/function.ts";
import { parseParameters } from "../../runner/parameters.ts";

const url = new URL(process.argv[2] ?? "");
let bytes = 0;
const nowhere: SnapshotWriter = {
  base: undefined,
  reuse() {},
  stream: () => ({
    async write(piece) {
      bytes += piece.length;
    },
    async endFrame() {},
    async finish() {},
  }),
};
const quiet = () => {};

const context: BackupContext<ParametersOf<typeof redisBackup.parameters>> = {
  database: {
    description: url.href,
    scheme: "redis",
    host: url.hostname,
    port: Number(url.port),
    path: "",
    tls: { verify: true },
    credentials: new Map(),
  },
  parameters: parseParameters(redisBackup.parameters, { flags: {}, environment: {} }),
  waitTimeoutMs: 60_000,
  signal: new AbortController().signal,
  log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  warn(reason, message) {
    throw new Error(`${reason}: ${message}`);
  },
  progress: quiet,
  snapshot: nowhere,
};

const { facts } = await redisBackup.run(context);
if (bytes === 0) throw new Error("No byte came");
process.stdout.write(`${JSON.stringify({ bytes, facts })}\n`);
