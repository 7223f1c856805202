// containerd in a folder of its own, with a bridge for its pods.
import { mkdir, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { ensureProgram } from "../install.ts";
import { type SpawnedServer, spawnServer } from "../spawn-server.ts";
import type { NodeSlot } from "./node-slot.ts";
import { PAUSE_IMAGE } from "./pod-images.ts";

export interface Containerd {
  readonly server: SpawnedServer;
  /** Path of its socket. */
  readonly socket: string;
  /** Makes the images of a `docker save` archive known to pods. */
  importImages(archive: string): Promise<void>;
}

const OVERLAY_FS = 0x794c7630;
const CNI_PROGRAMS = "/usr/lib/cni";

/** Resolves when it answers. */
export async function startContainerd(slot: NodeSlot): Promise<Containerd> {
  const program = await ensureProgram("containerd");
  const folder = (name: string) => join(slot.directory, name);
  const socket = folder("containerd.sock");
  // An overlay cannot lie on an overlay, which the root of a container is: there every layer is copied.
  const snapshotter = (await statfs(slot.directory)).type === OVERLAY_FS ? "native" : "overlayfs";
  await mkdir(folder("cni"));
  await writeFile(folder("cni/10-bridge.conflist"), JSON.stringify(network(slot), null, 2));
  await writeFile(folder("containerd.toml"), settings(slot, { socket, snapshotter }));
  const ctr = (...args: string[]) => execa("ctr", ["--address", socket, "--namespace", "k8s.io", ...args]);
  const isReady = async () => (await ctr("version")).exitCode === 0;
  const server = await spawnServer(program, { args: ["--config", folder("containerd.toml")], cwd: slot.directory, isReady });
  return {
    server,
    socket,
    importImages: async (archive) => {
      await ctr("images", "import", "--snapshotter", snapshotter, archive);
    },
  };
}

/** Without CAP_SYS_RESOURCE, which a container's root often lacks, no process may be spared by the OOM killer. */
function settings({ directory }: NodeSlot, { socket, snapshotter }: { socket: string; snapshotter: string }): string {
  return `version = 2
root = "${directory}/containerd"
state = "${directory}/run"
[grpc]
  address = "${socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${directory}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${CNI_PROGRAMS}"
    conf_dir = "${directory}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "${snapshotter}"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        Root = "${directory}/runc"
`;
}

/** Pods reach the host and each other: neither forwarding nor address translation is needed, so that the machine's own settings stay. */
function network({ bridge, hostAddress, podRange, directory }: NodeSlot) {
  const ranges = [[{ subnet: podRange, gateway: hostAddress }]];
  const ipam = { type: "host-local", dataDir: join(directory, "ipam"), ranges, routes: [{ dst: "0.0.0.0/0" }] };
  return { cniVersion: "0.4.0", name: bridge, plugins: [{ type: "bridge", bridge, hairpinMode: true, ipam }] };
}
