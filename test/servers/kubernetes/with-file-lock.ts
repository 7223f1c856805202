import { randomUUID } from "node:crypto";
import { link, readFile, rm, writeFile } from "node:fs/promises";

/** Runs the work while no other process of this machine runs its own under the same path. A lock whose owner died is taken over. */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  while (!(await take(path))) {
    if (!(await ownerLives(path))) await rm(path, { force: true });
    else await new Promise((resolve) => setTimeout(resolve, 500));
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function take(path: string): Promise<boolean> {
  // Linked, not written in place: nobody ever sees a lock without its owner.
  const mine = `${path}-${randomUUID()}`;
  await writeFile(mine, String(process.pid));
  try {
    await link(mine, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(mine);
  }
}

async function ownerLives(path: string): Promise<boolean> {
  try {
    process.kill(Number(await readFile(path, "utf8")), 0);
    return true;
  } catch (error) {
    // ENOENT: given back just now. ESRCH: there is no such process.
    const { code } = error as NodeJS.ErrnoException;
    return code !== "ENOENT" && code !== "ESRCH";
  }
}
