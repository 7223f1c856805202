import fc from "fast-check";
import type { Decision } from "../../../operator/action.ts";
import { backupSessionFor } from "../../../operator/build/backup-session.ts";
import { RETRY_OF } from "../../../operator/names.ts";
import type { Fields, LiveObject } from "../../../operator/objects.ts";
import type { ObjectName } from "../../../runner/kubernetes/cluster.ts";
import { backupConfiguration, repository } from "./invoker-world.ts";
import { JobScript } from "./job-script.ts";
import { SessionWorld } from "./session-world.ts";

const FINAL = ["Succeeded", "Failed", "Skipped"];
const WEEKLY = { namespace: "cellar", name: "weekly" };
const halves = fc.oneof({ weight: 3, arbitrary: fc.constant(99) }, { weight: 1, arbitrary: fc.integer({ min: 0, max: 16 }) });

/** Two invokers of one target, each with some sessions that all want to begin. */
class Crowd {
  readonly world = new SessionWorld({ backupHistoryLimit: 9 });
  readonly #sessions: { readonly name: ObjectName; readonly job: JobScript }[] = [];

  constructor() {
    this.world.api.put(repository({ usagePolicy: { allowedNamespaces: { from: "All" } } }));
    const spec = {
      target: { ref: { kind: "AppBinding", namespace: "shop", name: "carts" } },
      repository: { namespace: "shop", name: "vault" },
    };
    this.world.api.put({
      ...backupConfiguration({ ...spec, backupHistoryLimit: 9 }, WEEKLY),
      status: { phase: "Ready", observedGeneration: 1 },
    });
  }

  join(isWeekly: boolean): void {
    const invoker = isWeekly ? (this.world.api.peek("BackupConfiguration", WEEKLY) as LiveObject) : this.world.nightly;
    const { metadata } = this.world.api.put(backupSessionFor(invoker, { name: `session-${this.size}`, retryLeft: 0 }));
    const name = { namespace: metadata.namespace ?? "", name: metadata.name };
    this.#sessions.push({ name, job: new JobScript(this.world, name, "good") });
  }

  get size(): number {
    return this.#sessions.length;
  }

  async turn(index: number, kind: "pass" | "job", killed: number): Promise<void> {
    const session = this.#sessions[index % this.size];
    if (session === undefined) return;
    if (kind === "pass") await this.world.pass(session.name, killed);
    else session.job.advance();
  }

  async finish(): Promise<readonly unknown[]> {
    for (let round = 0; round < 400 && !this.phases.every((phase) => FINAL.includes(String(phase))); round += 1) {
      await this.turn(round, "pass", 99);
      await this.turn(round, "job", 99);
      await this.world.clock.advance(1000);
      this.see();
    }
    return this.phases;
  }

  get phases(): readonly unknown[] {
    return this.#sessions.map(({ name }) => this.world.session(name).status?.phase);
  }

  /** Of this target, never two at once. */
  see(): void {
    const open = this.#sessions.filter(({ name }) => !FINAL.includes(String(this.world.session(name).status?.phase)));
    const begun = open.filter(({ name }) =>
      ((this.world.session(name).status?.targets ?? []) as readonly Fields[]).some((entry) => entry.totalHosts === 1),
    );
    expect(begun.length).toBeLessThanOrEqual(1);
  }
}

test("sessions of two invokers with one target, killed and in any order: one at a time, and nobody waits for ever", async () => {
  const ages = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 3 })), { minLength: 2, maxLength: 5 });
  const turns = fc.array(fc.tuple(fc.nat(4), fc.constantFrom("pass" as const, "job" as const), halves), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(ages, turns, async (all, steps) => {
      const crowd = new Crowd();
      for (const [isWeekly, seconds] of all) {
        await crowd.world.clock.advance(seconds * 1000);
        crowd.join(isWeekly);
      }

      for (const [index, kind, killed] of steps) {
        await crowd.turn(index, kind, killed);
        crowd.see();
      }
      const phases = await crowd.finish();

      expect(phases.filter((phase) => phase !== "Succeeded" && phase !== "Skipped")).toEqual([]);
      expect(phases).toContain("Succeeded");
    }),
    { numRuns: 60 },
  );
});

test("killed anywhere, or late: a failed session has one next try", async () => {
  const steps = fc.array(fc.oneof(halves, fc.constantFrom("look" as const, "late" as const)), { maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const world = new SessionWorld({ retryConfig: { maxRetry: 1, delay: "10s" }, backupHistoryLimit: 9 });
      const name = world.newSession("nightly-1", 1);
      const job = new JobScript(world, name, "silent");
      let held: Decision | undefined;

      for (const step of [...all, ...Array.from({ length: 40 }, () => 99), "late" as const, 99]) {
        if (step === "look") held ??= await world.decide(name);
        if (step === "late" && held !== undefined) await world.apply(held);
        if (typeof step === "number") await world.pass(name, step);
        job.advance();
        await world.clock.advance(4_000);
      }

      const next = world.sessions.filter(({ metadata }) => metadata.annotations?.[RETRY_OF] === world.session(name).metadata.uid);
      expect(next).toHaveLength(1);
      expect(next[0]?.spec?.retryLeft).toBe(0);
      expect(world.session(name).status).toMatchObject({ phase: "Failed", retried: true });
    }),
    { numRuns: 60 },
  );
});
