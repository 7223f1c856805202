import { redisBackupParameters } from "../../../functions/redis/parameters.ts";
import type { BackupContext, DatabaseConnection, ParametersOf, SnapshotWriter, StreamWriter } from "../../../runner/function.ts";
import { parseParameters } from "../../../runner/parameters.ts";

/** A snapshot in memory: what was written, and whether the function called it finished. */
export class MemorySnapshot implements SnapshotWriter {
  readonly streams = new Map<string, { mediaType: string; bytes: Buffer; isFinished: boolean; digest: string | undefined }>();
  readonly base = undefined;
  readonly #onWrite: (written: number) => Promise<void>;

  /** `onWrite` may stall or fail each write; it is told how many bytes were written before. */
  constructor(onWrite: (written: number) => Promise<void> = async () => {}) {
    this.#onWrite = onWrite;
  }

  /** The finished RDB; fails when there is none. */
  get rdb(): Buffer {
    const stream = this.streams.get("dump.rdb");
    if (!stream?.isFinished) throw new Error("no finished dump.rdb");
    return stream.bytes;
  }

  reuse(): void {
    throw new Error("there is no base");
  }

  stream(name: string, { mediaType }: { mediaType: string }): StreamWriter {
    const parts: Buffer[] = [];
    let written = 0;
    return {
      write: async (bytes) => {
        await this.#onWrite(written);
        parts.push(Buffer.from(bytes));
        written += bytes.length;
      },
      endFrame: async () => {},
      finish: async (summary) => {
        this.streams.set(name, { mediaType, bytes: Buffer.concat(parts), isFinished: true, digest: summary?.digest });
      },
    };
  }
}

export interface TestContext extends BackupContext<ParametersOf<typeof redisBackupParameters>> {
  readonly snapshot: MemorySnapshot;
  readonly warnings: { readonly reason: string; readonly message: string }[];
  readonly logged: { readonly message: string; readonly fields: Readonly<Record<string, unknown>> | undefined }[];
  readonly abort: AbortController;
}

export interface ContextChoices {
  readonly flags?: Readonly<Record<string, string>>;
  readonly waitTimeoutMs?: number;
  readonly snapshot?: MemorySnapshot;
  readonly onProgress?: (bytes: number) => void;
}

/** A run's context for one backup of this database; waits for nothing unless told to. */
export function backupContext(database: DatabaseConnection, choices: ContextChoices = {}): TestContext {
  const abort = new AbortController();
  const warnings: { reason: string; message: string }[] = [];
  const logged: { message: string; fields: Readonly<Record<string, unknown>> | undefined }[] = [];
  const keep = (message: string, fields?: Readonly<Record<string, unknown>>) => void logged.push({ message, fields });
  return {
    database,
    parameters: parseParameters(redisBackupParameters, { flags: choices.flags ?? {}, environment: {} }),
    waitTimeoutMs: choices.waitTimeoutMs ?? 0,
    signal: abort.signal,
    log: { debug: keep, info: keep, warn: keep, error: keep },
    warn: (reason, message) => void warnings.push({ reason, message }),
    progress: ({ bytes }) => choices.onProgress?.(bytes ?? 0),
    snapshot: choices.snapshot ?? new MemorySnapshot(),
    warnings,
    logged,
    abort,
  };
}
