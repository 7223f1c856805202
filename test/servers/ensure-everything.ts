import { ensureImage } from "./docker/ensure-image.ts";
import {
  ELASTICSEARCH_VERSIONS,
  ensureElasticsearch,
  ensureElasticsearchJava,
  OLD_ELASTICSEARCH_VERSIONS,
} from "./elasticsearch-server.ts";
import { ensureGo, ensurePrograms } from "./install.ts";
import { ensureKubernetes } from "./kubernetes/ensure-kubernetes.ts";
import { ensureProbeImage } from "./kubernetes/pod-images.ts";
import { ensureNodePrograms } from "./kubernetes/start-node.ts";
import { ensureMinio, isMinioWanted } from "./minio.ts";
import { ensureNewRedis } from "./new-redis.ts";
import { ensureOldRedis } from "./old-redis.ts";
import { ensureOpenSearch, ensureOpenSearchJava, OLD_OPENSEARCH_VERSIONS, OPENSEARCH_VERSIONS } from "./opensearch-server.ts";
import { ensureSampleModule } from "./sample-module.ts";
import { ensureValkey } from "./valkey.ts";
import { ensureVersitygw } from "./versitygw.ts";

/** Installs, fetches and builds whatever the tests need and this machine lacks: before the tests, where nothing is timed. */
export async function ensureEverything(): Promise<void> {
  await ensureGo();
  await ensurePrograms();
  await ensureSampleModule();
  await ensureNewRedis();
  await ensureOldRedis();
  await ensureValkey();
  await ensureVersitygw();
  if (await isMinioWanted()) await ensureMinio();
  await ensureKubernetes();
  await ensureNodePrograms();
  await ensureProbeImage();
  await ensureSearchServers();
  await ensureImage();
}

async function ensureSearchServers(): Promise<void> {
  for (const version of [...ELASTICSEARCH_VERSIONS, ...OLD_ELASTICSEARCH_VERSIONS]) {
    await ensureElasticsearchJava(version);
    await ensureElasticsearch(version);
  }
  for (const version of [...OPENSEARCH_VERSIONS, ...OLD_OPENSEARCH_VERSIONS]) {
    await ensureOpenSearchJava(version);
    await ensureOpenSearch(version);
  }
}
