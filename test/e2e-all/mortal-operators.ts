// Operators as processes behind a gate: one that dies is followed by the next, as a kubelet has it.
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { NAMESPACE, OPERATOR } from "../../deploy/names.ts";
import { type GateWrite, type Strike, startWriteGate, type WriteGate } from "../fakes/write-gate.ts";
import { asOperator } from "../integration/operator/as-operator.ts";
import { bundleProgram, type OperatorProcess, startOperatorProcess } from "../integration/operator/operator-process.ts";
import { makeCertificates } from "../servers/certificates.ts";
import type { Kubernetes } from "../servers/kubernetes/start-kubernetes.ts";

type LogLine = Readonly<Record<string, unknown>>;

export interface DeathExceptions {
  readonly butNotBefore?: ((write: GateWrite) => boolean) | undefined;
  readonly butNotAfter?: ((write: GateWrite) => boolean) | undefined;
}

export interface MortalOperators extends AsyncDisposable {
  readonly gate: WriteGate;
  /** From now on they die at each write that is new, before it; then after it; then it passes. */
  dieAtEachWrite(exceptions?: DeathExceptions): void;
  /** From now on none dies, and so many are at work, which know nothing of each other. */
  live(count: number): void;
  /** Since `dieAtEachWrite`. */
  deaths(): { readonly before: number; readonly after: number };
  /** Errors, and whatever else should not have been said, of all of them. */
  problems(): readonly LogLine[];
  lastWords(): readonly LogLine[];
}

/** Starts one, with the roles that we ship and no more. */
export async function mortalOperators(server: Kubernetes): Promise<MortalOperators> {
  await asOperator(server);
  const folder = await mkdtemp(join(server.directory, "gate-"));
  const [program, certificates, token] = await Promise.all([
    bundleProgram(folder),
    makeCertificates(folder),
    server.objects.createToken({ namespace: NAMESPACE, name: OPERATOR }),
  ]);
  const fate = new Fate();
  const { deaths } = fate;
  let line: Line | undefined;
  const strikeAt = (write: GateWrite) => fate.strikeAt(write);
  const gate = await startWriteGate({ server, certificates, strikeAt, struck: () => line?.die() });
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "gate", cluster: { server: `https://127.0.0.1:${gate.port}`, "certificate-authority": certificates.ca } }],
    users: [{ name: "operator", user: { token } }],
    contexts: [{ name: "gate", context: { cluster: "gate", user: "operator" } }],
    "current-context": "gate",
  };
  const kubeconfig = await server.writeFile("gate.kubeconfig", JSON.stringify(config));
  line = new Line(() => startOperatorProcess({ program, kubeconfig, flags: ["--no-lease"] }), gate);
  line.keep(1);
  return {
    gate,
    dieAtEachWrite: (exceptions = {}) => fate.begin(exceptions),
    live: (count) => {
      fate.end();
      line.keep(count);
    },
    deaths: () => deaths,
    problems: () => line.log().filter(isProblem),
    lastWords: () => line.log().slice(-20),
    [Symbol.asyncDispose]: async () => {
      await line.end();
      await gate[Symbol.asyncDispose]();
    },
  };
}

/** Which writes are the last of whoever makes them. */
class Fate {
  readonly deaths = { before: 0, after: 0 };
  readonly #struck = new Set<string>();
  #exceptions: DeathExceptions | undefined;

  begin(exceptions: DeathExceptions): void {
    this.#struck.clear();
    Object.assign(this.deaths, { before: 0, after: 0 });
    this.#exceptions = exceptions;
  }

  end(): void {
    this.#exceptions = undefined;
    Object.assign(this.deaths, { before: 0, after: 0 });
  }

  strikeAt(write: GateWrite): Strike {
    if (this.#exceptions === undefined) return undefined;
    const { butNotBefore, butNotAfter } = this.#exceptions;
    if (butNotBefore?.(write) !== true && this.#isFirst(`before ${write.sameness}`)) return this.#count("before");
    if (butNotAfter?.(write) !== true && this.#isFirst(`after ${write.sameness}`)) return this.#count("after");
    return undefined;
  }

  #isFirst(key: string): boolean {
    const isFirst = !this.#struck.has(key);
    this.#struck.add(key);
    return isFirst;
  }

  #count(strike: "before" | "after"): Strike {
    this.deaths[strike] += 1;
    return strike;
  }
}

/** What no death explains. */
function isProblem({ level, msg, reason }: LogLine): boolean {
  const isBad = level === "error" || level === 50 || reason === "ClusterWarning";
  return isBad && !String(msg).includes("domain-qualified finalizer");
}

/** So many processes, each of which has a successor when it dies. */
class Line {
  readonly #start: () => OperatorProcess;
  readonly #gate: WriteGate;
  readonly #all: OperatorProcess[] = [];
  #wanted = 0;
  #dying: Promise<unknown> = Promise.resolve();

  constructor(start: () => OperatorProcess, gate: WriteGate) {
    this.#start = start;
    this.#gate = gate;
  }

  keep(count: number): void {
    this.#wanted = count;
    this.#dying = this.#dying.then(() => this.#settle());
  }

  /** All of them: what one gate cut off cannot tell them apart. */
  die(): void {
    this.#dying = this.#dying.then(async () => {
      await Promise.all(this.#living().map((each) => each.kill()));
      this.#gate.open();
      await this.#settle();
    });
  }

  log(): readonly LogLine[] {
    return this.#all.flatMap(({ log }) => log);
  }

  async end(): Promise<void> {
    this.keep(0);
    await this.#dying;
  }

  async #settle(): Promise<void> {
    const living = this.#living();
    await Promise.all(living.slice(this.#wanted).map((each) => each.kill()));
    for (let count = living.length; count < this.#wanted; count += 1) this.#all.push(this.#start());
  }

  #living(): readonly OperatorProcess[] {
    return this.#all.filter(({ isOver }) => !isOver);
  }
}
