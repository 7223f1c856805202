import fc from "fast-check";
import type { Manifest } from "../../../runner/snapshot/manifest.ts";
import { applyPolicy, type RetentionPolicy } from "../../../runner/snapshot/retention.ts";
import { head, result } from "./snapshot-parts.ts";

const HOUR = 60 * 60 * 1000;

/** A snapshot that began then; `number` tells those of one second apart. */
function snapshotAt(instant: string | number, parts: Partial<Manifest> & { number?: number } = {}): Manifest {
  const { number = 0, ...rest } = parts;
  const started = new Date(instant).toISOString();
  const id = `${started.replace(/[-:]|\.\d+/g, "")}-${number.toString(16).padStart(8, "0")}`;
  const common = { format: 1 as const, repository: "r", id, started, finished: started, streams: [], ...result };
  return { ...head, ...common, parameters: {}, tags: [], ...rest };
}

function daily(from: string, count: number): Manifest[] {
  return Array.from({ length: count }, (_, day) => snapshotAt(Date.parse(from) + day * 24 * HOUR));
}

function keptDates(snapshots: readonly Manifest[], policy: RetentionPolicy): string[] {
  const { groups } = applyPolicy(snapshots, policy);
  return groups.flatMap(({ kept }) => kept.map(({ snapshot }) => snapshot.started.slice(0, 16)));
}

const sundays = Array.from({ length: 12 }, (_, week) => snapshotAt(Date.parse("2019-09-01T11:00Z") + week * 7 * 24 * HOUR));
const newestSundays = ["2019-11-17T11:00", "2019-11-10T11:00", "2019-11-03T11:00", "2019-10-27T11:00"];
const oneDay = [1, 2, 3].map((hour) => snapshotAt(`2030-01-01T0${hour}:00Z`));

test.each<[string, Manifest[], RetentionPolicy, string[]]>([
  ["the last four days that have one, of one each Sunday", sundays, { keepDaily: 4 }, newestSundays],
  ["the last four weeks", sundays, { keepWeekly: 4 }, newestSundays],
  ["the last of all", sundays, { keepLast: 1 }, ["2019-11-17T11:00"]],
  ["the last two", oneDay, { keepLast: 2 }, ["2030-01-01T03:00", "2030-01-01T02:00"]],
  ["the newest of each month", sundays, { keepMonthly: 2 }, ["2019-11-17T11:00", "2019-10-27T11:00"]],
  ["the newest of each hour", [...oneDay, snapshotAt("2030-01-01T03:59Z")], { keepHourly: 2 }, ["2030-01-01T03:59", "2030-01-01T02:00"]],
  [
    "the newest of the only day, and the oldest while days are left to fill",
    oneDay,
    { keepDaily: 2 },
    ["2030-01-01T03:00", "2030-01-01T01:00"],
  ],
  ["no oldest once the days are filled", oneDay, { keepDaily: 1 }, ["2030-01-01T03:00"]],
  [
    "days of UTC",
    [snapshotAt("2030-01-01T23:59:59Z"), snapshotAt("2030-01-02T00:00:00Z")],
    { keepDaily: 2 },
    ["2030-01-02T00:00", "2030-01-01T23:59"],
  ],
  [
    "a week across the new year as one",
    [snapshotAt("2029-12-30T12:00Z"), snapshotAt("2029-12-31T12:00Z"), snapshotAt("2030-01-06T12:00Z")],
    { keepWeekly: 2 },
    ["2030-01-06T12:00", "2029-12-30T12:00"],
  ],
  [
    "years by the calendar",
    [snapshotAt("2028-06-01T00:00Z"), snapshotAt("2029-12-31T23:00Z"), snapshotAt("2030-01-01T00:00Z")],
    { keepYearly: 2 },
    ["2030-01-01T00:00", "2029-12-31T23:00"],
  ],
])("a policy keeps %s", (_, snapshots, policy, expected) => {
  expect(keptDates(snapshots, policy)).toEqual(expected);
});

test("a hundred years of daily backups keep what the options add up to", () => {
  const snapshots = daily("1930-01-01T12:00Z", 36_500);

  const { groups } = applyPolicy(snapshots, { keepDaily: 7, keepWeekly: 5, keepMonthly: 12, keepYearly: 75 });
  const kept = groups[0]?.kept ?? [];
  const because = (reason: string) => kept.filter(({ reasons }) => reasons.includes(reason)).length;

  expect([because("daily"), because("weekly"), because("monthly"), because("yearly")]).toEqual([7, 5, 12, 75]);
  expect(kept.length).toBeGreaterThanOrEqual(7 + 4 + 11 + 74 - 2);
  expect(kept.length).toBeLessThanOrEqual(7 + 4 + 12 + 75);
  expect(kept.length + (groups[0]?.removed.length ?? 0)).toBe(36_500);
});

test("each kept snapshot says why, and all reasons count", () => {
  const { groups } = applyPolicy(oneDay, { keepLast: 1, keepDaily: 2, keepTags: [""] });

  expect(groups[0]?.kept.map(({ reasons }) => reasons)).toEqual([["tags ", "last", "daily"], ["tags "], ["tags ", "oldest daily"]]);
});

describe("keepTags", () => {
  const tagged = [["a"], ["a", "b"], ["c"], []].map((tags, hour) => snapshotAt(`2030-01-01T0${hour}:00Z`, { tags }));
  const keptTags = (keepTags: string[]) =>
    applyPolicy(tagged, { keepTags }).groups.flatMap(({ kept }) => kept.map(({ snapshot }) => snapshot.tags.join("+")));

  test("keeps what has any of several tags", () => {
    expect(keptTags(["b", "c"])).toEqual(["c", "a+b"]);
  });

  test("keeps what has all tags of a list", () => {
    expect(keptTags(["a, b"])).toEqual(["a+b"]);
  });

  test("takes an empty tag for no tags", () => {
    expect(keptTags([""])).toEqual([""]);
  });

  test("alone, with a tag that nothing has, is refused", () => {
    expect(() => keptTags(["typo"])).toThrow(expect.objectContaining({ exitCode: 2, reason: "PolicyKeepsNothing" }));
  });
});

test.each<[RetentionPolicy]>([[{}], [{ keepLast: 0, keepDaily: 0, keepTags: [] }], [{ prune: true, dryRun: true }]])(
  "a policy that names nothing to keep is refused: %j",
  (policy) => {
    expect(() => applyPolicy(oneDay, policy)).toThrow(expect.objectContaining({ exitCode: 2, reason: "PolicyEmpty" }));
    expect(() => applyPolicy([], policy)).toThrow(expect.objectContaining({ reason: "PolicyEmpty" }));
  },
);

test.each([-1, 1.5, Number.NaN])("a count of %d is refused", (keepLast) => {
  expect(() => applyPolicy(oneDay, { keepLast, keepDaily: 1 })).toThrow(expect.objectContaining({ exitCode: 2 }));
});

test("prune and dryRun are carried", () => {
  expect(applyPolicy([], { keepLast: 1, prune: true, dryRun: true })).toEqual({ groups: [], prune: true, dryRun: true });
});

describe("groups", () => {
  const target = { namespace: "demo", kind: "AppBinding", name: "sample" };
  const others = [
    { engine: "elasticsearch" },
    { target: { ...target, namespace: "x" } },
    { target: { ...target, name: "y" } },
    { host: "host-1" },
  ];

  test("are of engine, target and host, each judged by itself", () => {
    const snapshots = [...others, {}].flatMap((parts, number) =>
      [1, 2].map((hour) => snapshotAt(`2030-01-01T0${hour}:00Z`, { ...parts, number })),
    );

    const { groups } = applyPolicy(snapshots, { keepLast: 1 });

    expect(groups.map(({ kept, removed }) => [kept.length, removed.length])).toEqual(others.concat({} as never).map(() => [1, 1]));
  });

  test("of other targets and hosts are out of the scope of an invoker's policy", () => {
    const snapshots = others
      .slice(1)
      .flatMap((parts, number) => [1, 2].map((hour) => snapshotAt(`2030-01-01T0${hour}:00Z`, { ...parts, number })));

    const ofTarget = applyPolicy([...oneDay, ...snapshots], { keepLast: 1 }, [{ target }]);
    const ofHost = applyPolicy([...oneDay, ...snapshots], { keepLast: 1 }, [{ target, hosts: ["host-1"] }]);
    const ofNobody = applyPolicy([...oneDay, ...snapshots], { keepLast: 1 }, []);

    expect(ofTarget.groups.map(({ host, removed }) => [host, removed.length])).toEqual([
      ["host-0", 2],
      ["host-1", 1],
    ]);
    expect(ofHost.groups.map(({ host, removed }) => [host, removed.length])).toEqual([["host-1", 1]]);
    expect(ofNobody.groups).toEqual([]);
  });
});

describe("whatever the snapshots and the policy", () => {
  const counts = fc.record({
    keepLast: fc.nat(4),
    keepHourly: fc.nat(4),
    keepDaily: fc.nat(4),
    keepWeekly: fc.nat(4),
    keepMonthly: fc.nat(4),
    keepYearly: fc.nat(4),
  });
  const tag = fc.constantFrom("a", "b", "c");
  const policies = fc
    .record({ counts, keepTags: fc.array(tag, { maxLength: 2 }) })
    .map((one) => ({ ...one.counts, keepTags: one.keepTags }));
  const hoursApart = fc.constantFrom(0.2, 1, 7, 24, 24 * 5, 24 * 40);
  const histories = fc
    .array(fc.record({ hours: hoursApart, tags: fc.uniqueArray(tag), host: fc.constantFrom("host-0", "host-1") }), {
      minLength: 1,
      maxLength: 40,
    })
    .map((steps) => {
      let instant = Date.parse("2029-11-11T11:11:11Z");
      return steps.map(({ hours, ...parts }, number) => {
        instant += hours * HOUR;
        return snapshotAt(instant, { ...parts, number });
      });
    });
  const idsOf = (snapshots: readonly Manifest[], policy: RetentionPolicy) =>
    applyPolicy(snapshots, policy).groups.flatMap(({ kept }) => kept.map(({ snapshot }) => snapshot.id));
  const judge = (snapshots: readonly Manifest[], policy: RetentionPolicy) => {
    try {
      return idsOf(snapshots, policy);
    } catch (error) {
      expect(error).toMatchObject({ exitCode: 2 });
      return undefined;
    }
  };
  const hasCount = ({ keepTags: _, ...rest }: RetentionPolicy) => Object.values(rest).some((count) => Number(count) > 0);

  test("no group is emptied, and with a count its newest is kept", () => {
    fc.assert(
      fc.property(histories, policies, (snapshots, policy) => {
        if (judge(snapshots, policy) === undefined) return expect(hasCount(policy)).toBe(false);
        for (const { kept, removed } of applyPolicy(snapshots, policy).groups) {
          expect(kept.length).toBeGreaterThan(0);
          const newest = [...kept.map(({ snapshot }) => snapshot.id), ...removed.map(({ id }) => id)].sort().at(-1);
          if (hasCount(policy)) expect(kept[0]?.snapshot.id).toBe(newest);
        }
      }),
    );
  });

  test("a greater count keeps the same and perhaps more", () => {
    const fields = fc.constantFrom("keepLast", "keepHourly", "keepDaily", "keepWeekly", "keepMonthly", "keepYearly");
    fc.assert(
      fc.property(histories, policies, fields, (snapshots, policy, field) => {
        const before = judge(snapshots, policy) ?? [];

        const after = judge(snapshots, { ...policy, [field]: policy[field as "keepLast"] + 1 });

        expect(after).toEqual(expect.arrayContaining(before));
      }),
    );
  });

  test("applying it twice removes nothing more, and the order of the list does not matter", () => {
    fc.assert(
      fc.property(histories, policies, fc.infiniteStream(fc.nat()), (snapshots, policy, keys) => {
        const kept = judge(snapshots, policy);
        const shuffled = snapshots.map((snapshot) => ({ snapshot, at: keys.next().value as number })).sort((a, b) => a.at - b.at);

        expect(
          judge(
            shuffled.map(({ snapshot }) => snapshot),
            policy,
          ),
        ).toEqual(kept);
        if (kept === undefined) return;
        expect(
          judge(
            snapshots.filter(({ id }) => kept.includes(id)),
            policy,
          ),
        ).toEqual(kept);
      }),
    );
  });
});
