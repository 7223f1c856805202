import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { ensureImage } from "../../servers/docker/ensure-image.ts";
import { ensureKubernetesNode } from "../../servers/kubernetes/ensure-kubernetes-node.ts";
import { type KubernetesNode, startKubernetesNode } from "../../servers/kubernetes/start-node.ts";
import { type Pushgateway, startPushgateway } from "../../servers/pushgateway.ts";
import { type RedisServer, startRedis } from "../../servers/redis-server.ts";
import { ACCESS_KEY, type S3Server, SECRET_KEY } from "../../servers/s3-server.ts";
import { startVersitygw } from "../../servers/versitygw.ts";
import { ROOT } from "../holdfast-process.ts";
import { firstUnmet, type TutorialBlock, tutorialBlocks } from "./tutorial-blocks.ts";

const PASSWORD = "its-password";
const servers = new AsyncDisposableStack();
let node: KubernetesNode;
let redis: RedisServer;
let gateway: Pushgateway;
let s3: S3Server;
let image: string;

beforeAll(async () => {
  const { tar, name } = await ensureImage();
  image = name;
  redis = servers.use(await startRedis({ password: PASSWORD }));
  gateway = servers.use(await startPushgateway());
  s3 = servers.use(await startVersitygw());
  node = servers.use(await startKubernetesNode({ images: [tar] }));
  await s3.createBucket("backups");
}, 1_800_000);
afterAll(() => servers.disposeAsync(), 120_000);

test("every command of the tutorial works in its order, and prints what the page says", async () => {
  const blocks = tutorialBlocks(await readFile(join(ROOT, "docs/tutorial.md"), "utf8"));
  const [settings, ...rest] = blocks as [TutorialBlock, ...TutorialBlock[]];
  const [redisAddress, s3Address, gatewayAddress] = await Promise.all(
    [redis.port, s3.port, gateway.port].map(async (port) => (await node.forward(port)).address),
  );
  const user = {
    IMAGE: image,
    REDIS_ADDRESS: redisAddress,
    REDISCLI_AUTH: PASSWORD,
    S3_ENDPOINT: `http://${s3Address}`,
    S3_BUCKET: "backups",
    AWS_ACCESS_KEY_ID: ACCESS_KEY,
    AWS_SECRET_ACCESS_KEY: SECRET_KEY,
    RESTIC_PASSWORD: "a long passphrase",
    PUSHGATEWAY_URL: `http://${gatewayAddress}`,
  };
  const { kubectl } = await ensureKubernetesNode();
  const machine = {
    KUBECONFIG: node.adminKubeconfig,
    KUBECACHEDIR: `${node.adminKubeconfig}-cache`,
    PATH: `${dirname(kubectl)}:${process.env.PATH}`,
  };
  const env = { ...machine, ...user };
  const named = [...settings.commands.matchAll(/^export (\w+)=/gm)].map(([, name]) => name);

  const outcomes: string[] = [];
  for (const { commands, expected } of rest) {
    const { exitCode, all } = await execa("bash", ["-euo", "pipefail", "-c", commands], { cwd: ROOT, env, all: true, reject: false });
    const unmet = firstUnmet(all, expected);
    if (exitCode === 0 && unmet === undefined) outcomes.push(commands);
    else throw new Error(`${commands}\nended with ${exitCode} and printed, without ${unmet ?? "a fault"}:\n${all}\n${await diagnosis()}`);
  }

  expect(named).toEqual(Object.keys(user));
  expect(outcomes).toHaveLength(rest.length);
  expect(outcomes.length).toBeGreaterThan(12);
  expect(rest.filter(({ expected }) => expected.length > 0).length).toBeGreaterThan(6);
  // The clean-up took all of it away.
  expect(await node.kubectl(["get", "namespaces,customresourcedefinitions", "--output=name"])).not.toMatch(/holdfast|demo|appscode/);
}, 900_000);

async function diagnosis(): Promise<string> {
  const questions = [
    ["get", "pods,jobs", "--all-namespaces"],
    ["--namespace=demo", "get", "backupconfigurations,backupsessions,restoresessions", "--output=yaml"],
    ["--namespace=demo", "get", "events"],
    ["--namespace=holdfast", "logs", "deployment/holdfast", "--tail=50"],
  ];
  const answers = questions.map((question) => node.kubectl(question).catch((error: Error) => error.message));
  return (await Promise.all(answers)).join("\n---\n");
}
