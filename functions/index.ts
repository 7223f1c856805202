// The list of functions: one line each.
import type { DatabaseFunction } from "../runner/function.ts";
import { esBackup } from "./elasticsearch/backup.ts";
import { esRestore } from "./elasticsearch/restore.ts";
import { redisBackup } from "./redis/backup.ts";
import { redisRestore } from "./redis/restore.ts";

export const functions: readonly DatabaseFunction[] = [redisBackup, redisRestore, esBackup, esRestore];
