import fc from "fast-check";
import type { Decision } from "../../../operator/action.ts";
import type { Fields } from "../../../operator/objects.ts";
import type { ObjectName } from "../../../runner/kubernetes/cluster.ts";
import { JobScript, SCRIPTS, type Script } from "./job-script.ts";
import { SessionWorld } from "./session-world.ts";

const FINAL = ["Succeeded", "Failed", "Skipped"];

type Event =
  | { readonly kind: "pass"; readonly halves: number }
  /** Another operator, or a process that was paused: looks now, and writes later. */
  | { readonly kind: "look" }
  | { readonly kind: "late"; readonly halves: number }
  | { readonly kind: "job" }
  | { readonly kind: "time"; readonly seconds: number };

const halves = fc.oneof({ weight: 3, arbitrary: fc.constant(99) }, { weight: 2, arbitrary: fc.integer({ min: 0, max: 16 }) });
const events = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("pass" as const), halves }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("look" as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("late" as const), halves }) },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("job" as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("time" as const), seconds: fc.integer({ min: 1, max: 40 }) }) },
  ),
  { maxLength: 60 },
);

/** What stays the same whatever happened on the way. */
interface Ending {
  readonly phase: unknown;
  readonly target: unknown;
  readonly conditions: Readonly<Record<string, unknown>>;
  readonly jobs: number;
}

class Play {
  readonly world: SessionWorld;
  readonly name: ObjectName;
  readonly #job: JobScript;
  readonly #phases: string[] = [];
  #held: Decision | undefined;

  constructor(script: Script, spec: Fields = {}) {
    this.world = new SessionWorld(spec);
    this.name = this.world.newSession("nightly-1");
    this.#job = new JobScript(this.world, this.name, script);
  }

  async run(event: Event): Promise<void> {
    if (event.kind === "pass") await this.world.pass(this.name, event.halves);
    if (event.kind === "look") this.#held ??= await this.world.decide(this.name);
    if (event.kind === "late" && this.#held !== undefined) {
      await this.world.apply(this.#held, event.halves);
      this.#held = undefined;
    }
    if (event.kind === "job") this.#job.advance();
    if (event.kind === "time") await this.world.clock.advance(event.seconds * 1000);
    this.#see();
  }

  /** Everybody goes on undisturbed until there is an end. */
  async finish(): Promise<Ending> {
    for (let round = 0; round < 200 && !FINAL.includes(this.#phase); round += 1) {
      await this.run({ kind: "pass", halves: 99 });
      await this.run({ kind: "job" });
      await this.run({ kind: "time", seconds: 20 });
    }
    await this.run({ kind: "late", halves: 99 });
    await this.run({ kind: "pass", halves: 99 });
    return this.#ending();
  }

  /** A phase that is final never changes, and nobody reads of a success that is none. */
  get phases(): readonly string[] {
    return this.#phases;
  }

  get #phase(): string {
    return String(this.world.session(this.name).status?.phase ?? "Pending");
  }

  #see(): void {
    if (this.#phases.at(-1) !== this.#phase) this.#phases.push(this.#phase);
  }

  #ending(): Ending {
    const { status = {} } = this.world.session(this.name);
    const [target] = status.targets as readonly Fields[];
    const values = (holder: Fields) =>
      Object.fromEntries(((holder.conditions ?? []) as readonly Fields[]).map(({ type, status: value }) => [String(type), value]));
    return {
      phase: status.phase,
      target: target?.phase,
      conditions: { ...values(status), ...values(target ?? {}) },
      jobs: this.world.jobs.get(this.name.name)?.size ?? 0,
    };
  }
}

const told = { BackupExecutorEnsured: "True", BackupHistoryCleaned: "True", MetricsPushed: "True" };
const said = { RepositoryIntegrityVerified: "True", RetentionPolicyApplied: "True", RepositoryMetricsPushed: "True" };
const disrupted = { phase: "Failed", target: "Failed", conditions: { ...told, BackupDisrupted: "True" }, jobs: 1 };
const ENDINGS: Readonly<Record<Script, Ending>> = {
  good: { phase: "Succeeded", target: "Succeeded", conditions: { ...told, ...said }, jobs: 1 },
  failedHost: { phase: "Failed", target: "Failed", conditions: told, jobs: 1 },
  outOfMemory: disrupted,
  evictedLate: { phase: "Failed", target: "Succeeded", conditions: { ...told, ...said, RetentionPolicyApplied: "False" }, jobs: 1 },
  silent: disrupted,
  unschedulable: disrupted,
  jobDeleted: disrupted,
};

test.each(SCRIPTS)(
  "killed after any write, in any order, late or twice: a run that goes %s ends in one way, with one Job",
  async (script) => {
    await fc.assert(
      fc.asyncProperty(events, async (steps) => {
        const play = new Play(script);

        for (const step of steps) await play.run(step);

        expect(await play.finish()).toEqual(ENDINGS[script]);
        expect(play.phases.filter((phase) => FINAL.includes(phase))).toEqual([ENDINGS[script].phase]);
      }),
      { numRuns: 40 },
    );
  },
);

test("with a time limit, too, a session ends, its Job with it, and only a complete one is a success", async () => {
  await fc.assert(
    fc.asyncProperty(events, fc.constantFrom(...SCRIPTS), async (steps, script) => {
      const play = new Play(script, { timeOut: "1m" });

      for (const step of steps) await play.run(step);
      const { phase, conditions, jobs } = await play.finish();

      expect(jobs).toBeLessThanOrEqual(1);
      const isComplete = Object.entries(said).every(([type, value]) => conditions[type] === value);
      expect(phase).toBe(isComplete && conditions.DeadlineExceeded === undefined ? "Succeeded" : "Failed");
      expect(play.phases.filter((each) => FINAL.includes(each))).toHaveLength(1);
    }),
    { numRuns: 80 },
  );
});
