import * as z from "zod";
import { DatabaseUnavailableError, IncompleteError } from "../../runner/errors.ts";
import { assertSelection } from "./assert-selection.ts";
import type { IndexEntry } from "./catalog.ts";
import { chooseIndices, type NotCarried } from "./choose-indices.ts";
import type { SearchServer } from "./inspect-server.ts";
import { type ListedIndex, listIndices } from "./list-indices.ts";
import { nameGroups } from "./name-groups.ts";
import { type CursorOptions, type Cursors, openCursors } from "./open-cursors.ts";
import { readIndexEntries } from "./read-index-entries.ts";
import { type IndexMarks, readShardMarks } from "./read-shard-marks.ts";
import { faultOf } from "./server-error.ts";
import { pathOf, type SearchTransport } from "./transport.ts";
import { unexpectedAnswer } from "./unexpected-answer.ts";
import { warnOfGaps } from "./warn-of-gaps.ts";

export interface SettledIndices {
  readonly cursors: Cursors;
  readonly chosen: readonly ListedIndex[];
  readonly entries: readonly IndexEntry[];
  readonly notCarried: readonly NotCarried[];
  /** Before the documents were made visible and the cursors opened. */
  readonly marksBefore: ReadonlyMap<string, IndexMarks>;
  /** After. */
  readonly marksAfter: ReadonlyMap<string, IndexMarks>;
}

export interface SettleOptions extends Omit<CursorOptions, "method"> {
  readonly parameters: {
    readonly match: string | undefined;
    readonly matchRegex: string | undefined;
    readonly matchNamesOnly?: boolean | undefined;
    readonly skipHidden: boolean;
    readonly openClosed: boolean;
    readonly skipSourceless: boolean;
    readonly cursor: CursorOptions["method"];
  };
  /** Called with the closed indices before they are opened. */
  open(indices: readonly Pick<ListedIndex, "name" | "uuid">[]): Promise<void>;
}

const ATTEMPTS = 10;
const refreshAnswer = z.object({ _shards: z.object({ failed: z.int() }) });

/**
 * Opens a cursor on every index that belongs to the backup, and reads what they are. Indices come and go meanwhile: the list is taken again once all
 * cursors are open, and when it is another one, all of this is done again. The caller disposes of the cursors.
 */
export async function settleIndices(transport: SearchTransport, server: SearchServer, options: SettleOptions): Promise<SettledIndices> {
  const closedBefore = new Set<string>();
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const settled = await trySettling(transport, server, { ...options, closedBefore });
    if (settled !== undefined) return settled;
    options.log.info("Indices were created or deleted while cursors were opened: once more", { attempt });
  }
  throw new DatabaseUnavailableError(`Indices of ${transport.description} come and go faster than cursors can be opened on all of them`, {
    reason: "IndicesNotSettled",
    hint: "Back up at a quieter time, or choose indices with --match",
  });
}

interface AttemptOptions extends SettleOptions {
  /** UUIDs of indices that were closed before an attempt opened them. */
  readonly closedBefore: Set<string>;
}

async function trySettling(transport: SearchTransport, server: SearchServer, options: AttemptOptions): Promise<SettledIndices | undefined> {
  const { parameters, closedBefore } = options;
  const indices = await listIndices(transport, server);
  const first = chooseIndices(indices, parameters);
  assertSelection(indices, parameters, first);
  const closed = first.chosen.filter(({ isClosed }) => isClosed);
  for (const { uuid } of closed) closedBefore.add(uuid);
  if (closed.length > 0) await options.open(closed);
  const names = first.chosen.map(({ name }) => name);
  const marksBefore = await readShardMarks(transport, names);
  // Behind the marks: what has a number up to them is now visible to the cursors.
  if (!(await refresh(transport, names))) return undefined;
  const cursors = await openCursors(transport, server, { ...options, method: parameters.cursor, names });
  try {
    const second = chooseIndices(await listIndices(transport, server), parameters);
    const wanted = first.chosen.map((index) => ({ ...index, isClosed: closedBefore.has(index.uuid) }));
    const entries = await readIndexEntries(transport, wanted);
    const isSame = isSameList(first.chosen, second.chosen) && entries.length === names.length && names.every((name) => cursors.has(name));
    if (isSame) {
      const kept = judgeSources(entries, parameters.skipSourceless);
      warnOfGaps({ closed: first.closed, entries: kept.entries }, options.warn);
      const marksAfter = await readShardMarks(transport, names);
      return {
        cursors,
        chosen: second.chosen,
        entries: kept.entries,
        notCarried: [...first.notCarried, ...kept.notCarried],
        marksBefore,
        marksAfter,
      };
    }
  } catch (error) {
    await cursors[Symbol.asyncDispose]();
    throw error;
  }
  await cursors[Symbol.asyncDispose]();
  return undefined;
}

/**
 * False when one of them is gone or closed. Never with `ignore_unavailable`: what the user may not refresh would be passed over in silence, and its
 * newest documents would be in no backup.
 */
async function refresh(transport: SearchTransport, names: readonly string[]): Promise<boolean> {
  for (const group of nameGroups(names)) {
    const path = `${pathOf(group)}/_refresh`;
    let json: unknown;
    try {
      ({ json } = await transport.json({ method: "POST", path }));
    } catch (error) {
      const type = faultOf(error)?.type;
      if (type === "index_not_found_exception" || type === "index_closed_exception") return false;
      throw error;
    }
    const parsed = refreshAnswer.safeParse(json);
    if (!parsed.success) throw unexpectedAnswer(transport, `POST ${path}`, parsed.error);
    if (parsed.data._shards.failed > 0)
      throw new DatabaseUnavailableError(`${transport.description} could not refresh all shards of the indices`, {
        reason: "DatabaseBusy",
        hint: "Documents that were written last would be missing; see the cluster's health",
      });
  }
  return true;
}

function isSameList(before: readonly ListedIndex[], after: readonly ListedIndex[]): boolean {
  const uuids = new Map(before.map(({ name, uuid }) => [name, uuid]));
  return before.length === after.length && after.every(({ name, uuid }) => uuids.has(name) && uuids.get(name) === uuid);
}

/** Without their source documents cannot be read: nobody may believe that a backup holds them. */
function judgeSources(entries: readonly IndexEntry[], skipSourceless: boolean): { entries: IndexEntry[]; notCarried: NotCarried[] } {
  const sourceless = entries.filter(({ source }) => source === "off").map(({ name }) => name);
  if (sourceless.length > 0 && !skipSourceless)
    throw new IncompleteError(`Cannot back up indices that do not keep their documents' source: ${sourceless.join(", ")}`, {
      reason: "SourceNotKept",
      facts: { indices: sourceless },
      hint: "--skip-sourceless leaves them out, by name; their documents can only be indexed again from where they came",
    });
  return {
    entries: entries.filter(({ source }) => source !== "off"),
    notCarried: [
      ...sourceless.map((name) => ({ name: `index:${name}`, reason: "it does not keep its documents' source" })),
      ...entries
        .filter(({ source }) => source === "filtered")
        .map(({ name }) => ({
          name: `index:${name}:_source`,
          reason: "its mapping keeps some fields out of the source: they cannot be read",
        })),
    ],
  };
}
