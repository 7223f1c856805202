import type { Socket } from "node:net";
import { type LinkOptions, openLink } from "./connection.ts";
import type { RedisEndpoint } from "./endpoint.ts";
import { encodeCommand, readLine } from "./reply-line.ts";

/** What a backup cannot do without. */
export const NEEDED_BACKUP_RIGHTS: readonly string[] = ["+sync", "+replconf"];

/** What a backup runs. */
export const BACKUP_RIGHTS = ["+sync", "+replconf", "+psync", "+ping", "+info"] as const;

/**
 * Which of the backup's rights this user lacks, found by trying each on a link of its own. SYNC and PSYNC are tried behind an answer that is
 * still unsent: an allowed one is then refused for that reason, and no snapshot begins.
 */
export async function findMissingRights(endpoint: RedisEndpoint, options: LinkOptions): Promise<string[]> {
  const missing: string[] = [];
  for (const right of BACKUP_RIGHTS) {
    const link = await openLink(endpoint, options);
    try {
      if ((await tryRight(link, right)).startsWith("-NOPERM")) missing.push(right);
    } finally {
      link.destroy();
    }
  }
  return missing;
}

async function tryRight(link: Socket, right: (typeof BACKUP_RIGHTS)[number]): Promise<string> {
  const commands: Record<typeof right, string[][]> = {
    "+sync": [["PING"], ["SYNC"]],
    "+replconf": [["REPLCONF", "capa", "eof"]],
    "+psync": [["PING"], ["PSYNC", "?", "-1"]],
    "+ping": [["PING"]],
    "+info": [["INFO", "server"]],
  };
  link.write(commands[right].map(encodeCommand).join(""));
  let answer = "";
  for (const _ of commands[right]) answer = await readLine(link, 5_000);
  return answer;
}
