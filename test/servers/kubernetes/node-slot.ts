// What a node takes of its machine: a numbered slot has a folder, a bridge, addresses and control groups of its own, so that several nodes can run
// side by side. The ranges are those that RFC 2544 sets aside for tests.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

export interface NodeSlot {
  readonly number: number;
  /** Everything that the node writes; at the same place for every user and setting, so that leftovers are found. */
  readonly directory: string;
  readonly bridge: string;
  /** The host, as pods see it: the bridge's own address. */
  readonly hostAddress: string;
  readonly podRange: string;
  /** Where pods reach the API server, on port 443: an address of the loopback device. No kube-proxy is needed. */
  readonly apiAddress: string;
  readonly serviceRange: string;
  /** Below the root of every control group hierarchy. */
  readonly controlGroup: string;
}

export interface TakenSlot {
  readonly slot: NodeSlot;
  /** To be called when nothing of the node is left. */
  release(): Promise<void>;
}

const SLOTS = 8;
const TAKEN = 9;
// Holds the lock as long as its input is open. When that ends without a word, its owner died: the keeper removes the node, then the lock goes with it.
const KEEPER = 'echo locked; read -r word && exit; exec "$0" "$@"';

/** Takes a slot that no other process has; rejects when all are taken. When we die, be it by SIGKILL, what is in the slot is removed. */
export async function takeNodeSlot(): Promise<TakenSlot> {
  for (let number = 1; number <= SLOTS; number += 1) {
    const release = await lock(number);
    if (release !== undefined) return { slot: slotOf(number), release };
  }
  throw new Error(`All ${SLOTS} slots for Kubernetes nodes are taken on this machine: stop one`);
}

export function slotOf(number: number): NodeSlot {
  const name = `holdfast-node-${number}`;
  return {
    number,
    directory: `/var/tmp/${name}`,
    // Names of network devices have fifteen letters at most.
    bridge: `hf-node-${number}`,
    hostAddress: `198.19.${number}.1`,
    podRange: `198.19.${number}.0/24`,
    apiAddress: `198.18.${number}.1`,
    serviceRange: `198.18.${number}.0/24`,
    controlGroup: name,
  };
}

/** Undefined when somebody else has it. */
async function lock(number: number): Promise<(() => Promise<void>) | undefined> {
  const remove = [process.execPath, "--disable-warning=ExperimentalWarning", join(import.meta.dirname, "remove-node.ts"), String(number)];
  const args = ["--nonblock", "--conflict-exit-code", String(TAKEN), `${slotOf(number).directory}.lock`, "sh", "-c", KEEPER, ...remove];
  // Detached: what ends our process group does not end the keeper.
  const keeper = spawn("flock", args, { cwd: "/", detached: true, stdio: ["pipe", "pipe", "ignore"] });
  const exited = once(keeper, "exit");
  // A keeper that somebody killed needs no word.
  keeper.stdin.on("error", () => undefined);
  const first = await Promise.race([once(keeper.stdout, "data").then(() => "locked" as const), exited]);
  if (first === "locked") {
    return async () => {
      keeper.stdin.end("done\n");
      await exited;
    };
  }
  if (first[0] === TAKEN) return undefined;
  throw new Error(`Cannot lock a slot for a Kubernetes node: flock ended with ${first[0]}`);
}
