import type { Family } from "./rdb-elements.ts";
import { AddingBatch } from "./restore-adding-batch.ts";
import type { CommandBatch } from "./restore-command-batch.ts";
import { HashBatch } from "./restore-hash-batch.ts";
import { StreamBatch } from "./restore-stream-batch.ts";

/** The commands that add to a value of this family. */
export function commandsFor(family: Family | undefined, key: Buffer): CommandBatch {
  switch (family) {
    case "string":
      return new AddingBatch(["APPEND", key], "length");
    case "list":
      return new AddingBatch(["RPUSH", key], "total");
    case "set":
      return new AddingBatch(["SADD", key], "added");
    case "sorted set":
      return new AddingBatch(["ZADD", key], "added");
    case "hash":
      return new HashBatch(key);
    case "stream":
      return new StreamBatch(key);
    default:
      throw new Error("only RESTORE can write this value");
  }
}
