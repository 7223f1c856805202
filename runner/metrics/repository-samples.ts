import { HOLDFAST_SERIES as own } from "./holdfast-series.ts";
import { repositoryLabels, type SessionIdentity, type StoreIdentity, storeLabels } from "./metric-labels.ts";
import { collectSamples, type Sample } from "./metrics.ts";
import { STASH_SERIES as stash } from "./stash-series.ts";

/** What is known of a repository after a session; what was not looked at is left out, and the gateway keeps what it has. */
export interface RepositoryMetricFacts extends SessionIdentity {
  readonly store: StoreIdentity;
  /** The result of a verification that came to its end; false is as much a result as true. */
  readonly verification?: { readonly isWhole: boolean; readonly finished: Date } | undefined;
  readonly sizeBytes?: number | undefined;
  readonly snapshots?: { readonly count: number; readonly oldest?: Date | undefined; readonly newest?: Date | undefined } | undefined;
  /** Snapshots that the retention policy removed. */
  readonly snapshotsRemoved?: number | undefined;
  readonly prune?: { readonly removedObjects: number; readonly removedBytes: number; readonly finished: Date } | undefined;
}

/** What a session pushes of its repository, under the group of the repository. */
export function repositorySamples(facts: RepositoryMetricFacts): Sample[] {
  const { verification, snapshots, prune } = facts;
  const store = storeLabels(facts);
  const repository = repositoryLabels(facts);
  const integrity = verification && (verification.isWhole ? 1 : 0);
  return collectSamples(true, [
    [stash.repositoryIntegrity, store, integrity],
    [stash.repositorySize, store, facts.sizeBytes],
    [stash.repositorySnapshots, store, snapshots?.count],
    [stash.repositoryCleaned, store, facts.snapshotsRemoved],
    [own.repositoryIntegrity, repository, integrity],
    [own.repositoryLastVerified, repository, verification?.isWhole ? unixTime(verification.finished) : undefined],
    [own.repositorySize, repository, facts.sizeBytes],
    [own.repositorySnapshots, repository, snapshots?.count],
    [own.repositoryOldestSnapshot, repository, unixTime(snapshots?.oldest)],
    [own.repositoryNewestSnapshot, repository, unixTime(snapshots?.newest)],
    [own.pruneRemovedSnapshots, repository, facts.snapshotsRemoved],
    [own.pruneLastSuccess, repository, unixTime(prune?.finished)],
    [own.pruneRemovedObjects, repository, prune?.removedObjects],
    [own.pruneRemovedBytes, repository, prune?.removedBytes],
  ]);
}

function unixTime(date: Date | undefined): number | undefined {
  return date === undefined ? undefined : date.getTime() / 1000;
}
