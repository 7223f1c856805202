import { DatabaseRefusedError } from "../../runner/errors.ts";
import type { RedisControl } from "./connection.ts";

/** The server's clock as a function of ours: Unix milliseconds. Expiry is the server's to judge, not ours. */
export async function readServerClock(control: RedisControl, warn: (reason: string, message: string) => void): Promise<() => number> {
  const offset = (await askTime(control, warn)) - performance.now();
  return () => offset + performance.now();
}

async function askTime(control: RedisControl, warn: (reason: string, message: string) => void): Promise<number> {
  try {
    const reply = await control.call("TIME");
    if (Array.isArray(reply)) return Number(reply[0]) * 1000 + Math.floor(Number(reply[1]) / 1000);
  } catch (error) {
    if (!(error instanceof DatabaseRefusedError) || error.reason !== "PermissionDenied") throw error;
  }
  warn("TimeNotAllowed", "The user may not run TIME: which keys have expired is judged by this machine's clock (+time)");
  return Date.now();
}
