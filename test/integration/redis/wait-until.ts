/** Resolves when the condition is met; asks every 20 ms. */
export async function waitUntil(condition: () => Promise<boolean> | boolean, timeoutMs = 20_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; !(await condition()); ) {
    if (Date.now() > deadline) throw new Error("the condition was never met");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
