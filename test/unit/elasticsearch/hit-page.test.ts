import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { HitPage } from "../../../functions/elasticsearch/hit-page.ts";
import { MalformedPageError, type PageReading } from "../../../functions/elasticsearch/page-reading.ts";
import { buildScanner } from "../../tools/build-scanner.ts";
import { hitStart } from "../../tools/hit-arbitrary.ts";
import { type ReferenceHit, readReferenceHit, sumOf } from "../../tools/hit-reference.ts";

const HEAD =
  '{"pit_id":"p","took":3,"timed_out":false,"_shards":{"total":2,"successful":2,"skipped":0,"failed":0},"hits":{"max_score":null,"hits":[';

function answer(hits: readonly string[], options: { head?: string; tail?: string } = {}): Buffer {
  return Buffer.from(`${options.head ?? HEAD}${hits.join(",")}${options.tail ?? "]}}"}`, "latin1");
}

function read(bytes: Buffer, options: { endSort?: bigint; chunkBytes?: number; page?: HitPage } = {}): PageReading {
  const page = options.page ?? new HitPage();
  page.begin();
  const step = options.chunkBytes ?? bytes.length;
  for (let at = 0; at < bytes.length; at += step) page.append(bytes.subarray(at, at + step));
  return page.finish({ endSort: options.endSort });
}

function textOf(reading: PageReading): string {
  return Buffer.from(reading.lines).toString("latin1");
}

function linesOf(hits: readonly ReferenceHit[]): string {
  return hits.map(({ line }) => `${line}\n`).join("");
}

function faultOf(bytes: Buffer, options: { endSort?: bigint } = {}): MalformedPageError {
  try {
    read(bytes, options);
  } catch (error) {
    if (error instanceof MalformedPageError) return error;
    throw error;
  }
  throw new Error("The page was taken");
}

/** A hit whose source is this text. */
function hit(source: string, sort = 1): string {
  return `{"_index":"x","_id":"1","_score":null,"_source":${source},"sort":[${sort}]}`;
}

function sourcesOf(reading: PageReading): string[] {
  return textOf(reading)
    .split("\n")
    .slice(0, -1)
    .map((line) => /"_source":(.*),"sort":/.exec(line)![1]!);
}

describe("lines and digest equal those of a tokenizer that reads byte by byte", () => {
  test.each([false, true])("whatever the documents hold and wherever the pieces end (comments: %s)", (hasComments) => {
    const page = new HitPage();
    fc.assert(
      fc.property(fc.array(hitStart({ hasComments }), { maxLength: 6 }), fc.integer({ min: 1, max: 200 }), (starts, chunkBytes) => {
        const hits = starts.map((start, sort) => `${start},"sort":[${sort}]}`);
        const wanted = hits.map(readReferenceHit);

        const reading = read(answer(hits), { chunkBytes, page });

        expect(textOf(reading)).toBe(linesOf(wanted));
        expect(reading.hits).toBe(hits.length);
        expect(reading.digest).toBe(sumOf(wanted));
        expect(reading.lastSort).toBe(wanted.at(-1)?.sort);
        expect(reading.withoutSource).toBe(0);
      }),
      { numRuns: 400 },
    );
  });

  test("at every place within a block of 64 bytes", () => {
    const tricky = '{"a\\\\":"\\\\\\"}\\\\","b":[{},"]\\\\\\\\",{"c":"/*\\"//"}]}';

    for (let shift = 0; shift < 130; shift += 1) {
      const hits = [hit(`{"${"x".repeat(shift)}":${tricky}}`), hit(tricky)];

      expect(textOf(read(answer(hits)))).toBe(`${hits.join("\n")}\n`);
    }
  });

  test("when hits begin alike, almost alike, or in another order", () => {
    const starts = [
      '"_index":"x","_id":"1","_score":null,"_source":{"a":1}',
      '"_index":"x","_id":"2","_score":null,"_source":{"a":2}',
      '"_index":"x","_id":"3","_score":1.25,"_source":{"a":3}',
      '"_index":"x","_id":"4","_score":null,"_routing":"r","_source":{"a":4}',
      '"_index":"x","_id":"5","_score":null,"_routing":"s","_source":{"a":5}',
      '"_index":"x","_id":"6\\"","_source":{}',
      '"_index":"x","_id":"7\\\\","_source": {} ',
      '"_index":"y","_id":"8","_source":{"_id":"8"}',
      `"_index":"${"long".repeat(40)}","_id":"9","_source":{"a":9}`,
      `"_index":"${"long".repeat(40)}","_id":"10","_ignored":["${"f".repeat(120)}"],"_source":{"a":10}`,
      `"_index":"${"long".repeat(400)}","_id":"9","_source":{"a":9}`,
      `"_index":"${"long".repeat(400)}","_id":"10","_ignored":["${"f".repeat(1200)}"],"_source":{"a":10}`,
      '"_routing":"r","_id":"11","_source":{"a":11}',
      '"_routing":"q","_id":"12","_source":{"a":12}',
      '"_source":{"a":13},"_id":"13"',
      '"_source":{"a":14},"_id":"14"',
      '"_source":{"a":15}',
      '"_id":"","_source":{"a":16}',
      '"_id":"17","_source":{"a":17}',
    ];
    const hits = starts.flatMap((first) => starts.flatMap((second) => [first, second])).map((start, sort) => `{${start},"sort":[${sort}]}`);
    const wanted = hits.map(readReferenceHit);

    const reading = read(answer(hits));

    expect(textOf(reading)).toBe(linesOf(wanted));
    expect(reading.digest).toBe(sumOf(wanted));
  });

  test("for the end of a page at every place", () => {
    for (let length = 0; length < 70; length += 1) {
      const hits = [hit(`{"a":"${"y".repeat(length)}"}`)];
      const wanted = hits.map(readReferenceHit);

      const reading = read(answer(hits));

      expect(textOf(reading)).toBe(linesOf(wanted));
      expect(reading.digest).toBe(sumOf(wanted));
    }
  });
});

describe("what a page says", () => {
  test("an empty page has no lines", () => {
    const reading = read(answer([]));

    expect(reading).toMatchObject({ hits: 0, isCut: false, digest: 0n, lastSort: undefined, withoutSource: 0, rewrote: false });
    expect(reading.lines).toHaveLength(0);
  });

  test("a scroll's page with totals, failures and an early end", () => {
    const head =
      '{"_scroll_id":"s==","took":12,"timed_out":true,"terminated_early":true,"_shards":{"total":3,"successful":2,"skipped":1,"failed":1,"failures":[{"shard":0,"reason":{"type":"x"}}]},"hits":{"total":{"value":10000,"relation":"gte"},"hits":[';

    const reading = read(answer([hit("{}")], { head }));

    expect(reading.head).toEqual({
      pitId: undefined,
      scrollId: "s==",
      tookMs: 12,
      timedOut: true,
      terminatedEarly: true,
      shards: { total: 3, successful: 2, skipped: 1, failed: 1, failures: [{ shard: 0, reason: { type: "x" } }] },
      total: { value: 10000, isLowerBound: true },
    });
  });

  test("totals of old servers are plain numbers", () => {
    const reading = read(answer([], { head: HEAD.replace('"max_score"', '"total":7,"max_score"') }));

    expect(reading.head.total).toEqual({ value: 7, isLowerBound: false });
  });

  test("what stands behind the hits counts too", () => {
    const head = HEAD.replace('"pit_id":"p",', "");
    const tail = '],"max_score":1.5},"aggregations":{"a":{"hits":{"hits":[]},"value":"]}}"}},"pit_id":"behind"}';

    const reading = read(answer([hit("{}")], { head, tail }));

    expect(reading.head.pitId).toBe("behind");
    expect(reading.hits).toBe(1);
  });

  test("a key called hits elsewhere is not mistaken for the hits", () => {
    const head = `{"profile":{"hits":{"hits":[1,{"hits":[]}]}},"x":"\\"hits\\":{",${HEAD.slice(1)}`;

    expect(read(answer([hit("{}")], { head })).hits).toBe(1);
  });

  test("hits without a source are counted and stay out of the digest", () => {
    const bare = '{"_index":"x","_id":"2","_score":null,"sort":[2]}';

    const reading = read(answer([hit('{"a":1}'), bare]));

    expect(reading).toMatchObject({ hits: 2, withoutSource: 1, digest: sumOf([readReferenceHit(hit('{"a":1}'))]), lastSort: "[2]" });
    expect(textOf(reading)).toBe(`${hit('{"a":1}')}\n${bare}\n`);
  });

  test("the sort values are handed on as the server wrote them", () => {
    const text = hit("{}").replace("[1]", '[9223372036854775807,1.0,"]\\"",null]');

    expect(read(answer([text])).lastSort).toBe('[9223372036854775807,1.0,"]\\"",null]');
  });
});

describe("traps in documents", () => {
  test("keys of a hit within the source are left to it", () => {
    const source = '{"_index":"a","_id":"b","_routing":"c","_source":{"_id":"d"},"sort":[99],"hits":{"hits":[]}}';
    const wanted = readReferenceHit(hit(source));

    const reading = read(answer([hit(source)]));

    expect(reading.digest).toBe(wanted.hash);
    expect(reading.lastSort).toBe("[1]");
  });

  test("newlines between tokens become blanks, and nothing else changes", () => {
    const reading = read(answer([hit('{\r\n  "a\\n": "b\\r",\n\t"c"\n:1\n}\n')]));

    expect(sourcesOf(reading)).toEqual(['{    "a\\n": "b\\r", \t"c" :1 } ']);
    expect(reading.rewrote).toBe(false);
  });

  test("a newline at every place within a block", () => {
    for (let at = 0; at < 140; at += 1) {
      const source = `{"a":"x"${" ".repeat(at)}\n,"b":2${" ".repeat(140 - at)}}`;

      expect(sourcesOf(read(answer([hit(source)])))).toEqual([source.replace("\n", " ")]);
    }
  });

  test("a comment is blanked before its newline is, so that it swallows nothing", () => {
    const reading = read(answer([hit('{"a":1, // x"y\n"b":/* { " */2}'), hit('/* before */{"http://c":"/*d*/"}// after\n', 2)]));

    expect(sourcesOf(reading)).toEqual([
      `{"a":1, ${" ".repeat(7)}"b":${" ".repeat(9)}2}`,
      `${" ".repeat(12)}{"http://c":"/*d*/"}${" ".repeat(9)}`,
    ]);
    expect(reading.rewrote).toBe(true);
  });

  test("hits before and behind one with a comment are counted once", () => {
    const hits = [hit('{"a":1}', 1), hit('{"b"/**/:1}', 2), hit('{"c":1}', 3)];
    const wanted = hits.map(readReferenceHit);

    const reading = read(answer(hits));

    expect(reading).toMatchObject({ hits: 3, digest: sumOf(wanted), lastSort: "[3]" });
    expect(textOf(reading)).toBe(linesOf(wanted));
  });

  test("a byte order mark before a source is blanked, and no other is", () => {
    const mark = "\xef\xbb\xbf";

    const reading = read(answer([hit(`{"a":"${mark}"}`, 1), hit(`${mark}{"a":1}`, 2), hit(` ${mark} {"a":/**/"${mark}"}`, 3)]));

    expect(sourcesOf(reading)).toEqual([`{"a":"${mark}"}`, '   {"a":1}', `     {"a":    "${mark}"}`]);
    expect(reading).toMatchObject({ hits: 3, rewrote: true });
    expect(() => read(answer([hit('\xef\xbb{"a":1}')]))).toThrow("is not what a server sends");
  });

  test("slashes within strings do not take the slow path", () => {
    expect(read(answer([hit('{"url":"https://example.org/a/*b*/"}')])).rewrote).toBe(false);
  });

  test("numbers, escapes, control bytes and broken UTF-8 stay as they are", () => {
    const source =
      '{"n":[9223372036854775807,1.0,1E3,-0.0,1e-7,0.10000000000000000555],"s":"\\u0000\\ud800\\/\u0000\u0001\t\x7f\xff\xfe\xc3"}';

    expect(sourcesOf(read(answer([hit(source)])))).toEqual([source]);
  });

  test("a document 100,000 levels deep", () => {
    const source = `{"a":${"[".repeat(50_000)}${'{"b":['.repeat(25_000)}${"]}".repeat(25_000)}${"]".repeat(50_000)}}`;

    expect(sourcesOf(read(answer([hit(source)])))).toEqual([source]);
  });

  test("a document of 40 MB, and the page after it", () => {
    const page = new HitPage();
    const big = hit(`{"a":"${"\\\\z".repeat(40_000_000 / 3)}"}`);

    const first = read(answer([big]), { page, chunkBytes: 1_000_003 });
    const bigLength = first.lines.length;
    const second = read(answer([hit("{}")]), { page });

    expect(bigLength).toBe(big.length + 1);
    expect(textOf(second)).toBe(`${hit("{}")}\n`);
  });

  test("ids and routing of any characters count as they are written", () => {
    const text = '{"_index":"x","_id":"\\"}\\\\","_routing":"\\u00e9/,","_source":{},"sort":[1]}';

    const reading = read(answer([text]));

    expect(reading.digest).toBe(readReferenceHit(text).hash);
    expect(textOf(reading)).toBe(`${text}\n`);
  });
});

describe("an end within the page", () => {
  const hits = [3, 7, 8, 4294967296].map((sort) => hit(`{"n":${sort}}`, sort));

  test.each([
    { endSort: 3n, kept: 0, isCut: true },
    { endSort: 4n, kept: 1, isCut: true },
    { endSort: 8n, kept: 2, isCut: true },
    { endSort: 4294967296n, kept: 3, isCut: true },
    { endSort: 4294967297n, kept: 4, isCut: false },
    { endSort: -1n, kept: 0, isCut: true },
  ])("drops what is not before $endSort", ({ endSort, kept, isCut }) => {
    const wanted = hits.slice(0, kept).map(readReferenceHit);

    const reading = read(answer(hits), { endSort });

    expect(reading).toMatchObject({ hits: kept, isCut, digest: sumOf(wanted), lastSort: wanted.at(-1)?.sort });
    expect(textOf(reading)).toBe(linesOf(wanted));
  });

  test("may be negative", () => {
    expect(read(answer([hit("{}", -5), hit("{}", -4)]), { endSort: -4n }).hits).toBe(1);
  });

  test("drops what stands behind, whatever its values", () => {
    const reading = read(answer([hit("{}", 1), hit("{}", 9), hit("{}", 2)]), { endSort: 5n });

    expect(reading.hits).toBe(1);
  });

  test("still wants the rest of the page to be whole", () => {
    const bytes = answer(hits);

    expect(faultOf(bytes.subarray(0, bytes.length - 40), { endSort: 4n }).fault).toBe("cut-short");
  });

  test.each(['["a"]', "[1.5]", "[]", "[null]", "[9999999999999999999]", "[12345678901234567890]", "[-]", "[1e3]"])(
    "cannot be told from sort values %s",
    (sort) => {
      expect(faultOf(answer([hit("{}").replace("[1]", sort)]), { endSort: 4n }).fault).toBe("unexpected");
    },
  );

  test("cannot be told from hits without sort values", () => {
    expect(faultOf(answer(['{"_id":"1","_source":{}}']), { endSort: 4n }).fault).toBe("unexpected");
  });
});

describe("refuses what no server sends", () => {
  test("every page that ends too early, wherever it does", () => {
    const bytes = answer([hit('{"a":"\\"}","b":[1]}'), hit('{ "c":\n{} }', 2)], { tail: '],"x":1},"y":["]}}"]}' });

    for (let length = 0; length < bytes.length; length += 1) {
      expect(() => read(bytes.subarray(0, length))).toThrow(MalformedPageError);
    }
    expect(read(bytes).hits).toBe(2);
  });

  test("says that a page was cut short, and where", () => {
    const bytes = answer([hit('{"secret":"word"}')]);

    const error = faultOf(bytes.subarray(0, bytes.length - 30));

    expect(error).toMatchObject({ fault: "cut-short", offset: bytes.length - 30 });
    expect(error.message).toBe(`The answer to a search ends too early, at byte ${bytes.length - 30} of ${bytes.length - 30}`);
  });

  test("a page cut short is not completed by what the page before left in memory", () => {
    const page = new HitPage();
    const bytes = answer([hit('{"a":"b"}'), hit('{"a":"c"}', 2)]);
    read(bytes, { page });

    for (let length = 1; length < bytes.length; length += 1) {
      expect(() => read(bytes.subarray(0, length), { page })).toThrow(MalformedPageError);
    }
  });

  test.each([
    ["two commas between hits", `${HEAD}${hit("{}")},,${hit("{}")}]}}`],
    ["a blank between hits", `${HEAD}${hit("{}")}, ${hit("{}")}]}}`],
    ["no comma between hits", `${HEAD}${hit("{}")}${hit("{}")}]}}`],
    ["something else between hits", `${HEAD}${hit("{}")}x${hit("{}")}]}}`],
    ["a comma behind the last hit", `${HEAD}${hit("{}")},]}}`],
    ["a comma before the first hit", `${HEAD},${hit("{}")}]}}`],
    ["a hit that is no object", `${HEAD}1]}}`],
    ["a hit without fields", `${HEAD}{}]}}`],
    ["a source that is no object", `${HEAD}${hit("[1]")}]}}`],
    ["a source that is null", `${HEAD}${hit("null")}]}}`],
    ["two sources", `${HEAD}${hit('{},"_source":{}')}]}}`],
    ["two ids", `${HEAD}${hit('{},"_id":"2"')}]}}`],
    ["two ids in the second of two hits that begin alike", `${HEAD}${hit("{}")},${hit('{},"_id":"2"')}]}}`],
    ["two sources in the second of two hits that begin alike", `${HEAD}${hit("{}")},${hit('{},"_source":{}')}]}}`],
    ["an id that is a number in the second of two hits that begin alike", `${HEAD}${hit("{}")},${hit("{}").replace('"1"', "11")}]}}`],
    ["two routings", `${HEAD}${hit('{},"_routing":"a","_routing":"b"')}]}}`],
    ["two lists of sort values", `${HEAD}${hit('{},"sort":[1]')}]}}`],
    ["an id that is a number", `${HEAD}${hit("{}").replace('"1"', "1")}]}}`],
    ["a routing that is a list", `${HEAD}${hit('{},"_routing":["r"]')}]}}`],
    ["an escaped key", `${HEAD}${hit("{}").replace("_id", "_i\\u0064")}]}}`],
    ["a newline within a string of a source", `${HEAD}${hit('{"a":"b\nc"}')}]}}`],
    ["a newline within an id", `${HEAD}${hit("{}").replace('"1"', '"1\n"')}]}}`],
    ["blanks between a hit's own fields", `${HEAD}${hit("{}").replace(",", ", ")}]}}`],
    ["a slash that begins no comment", `${HEAD}${hit('{"a":1/2}')}]}}`],
    ["a comment that does not end", `${HEAD}${hit('{"a":1/* }')}]}}`],
    ["more behind the end", `${HEAD}${hit("{}")}]}}{}`],
    ["a closing bracket too many", `${HEAD}${hit("{}")}]}}}`],
    ["brackets of the wrong kind at the end", `${HEAD}${hit("{}")}]]}`],
    ["other hits behind the hits", `${HEAD}${hit("{}")}]},"hits":{"hits":[1]}}`],
    ["hits that are no list", `${HEAD.slice(0, -1)}{}}}`],
    ["no word about shards", `{"took":1,"timed_out":false,"hits":{"hits":[]}}`],
    ["no word about time", `{"took":1,"_shards":{"total":1,"successful":1,"failed":0},"hits":{"hits":[]}}`],
    ["failed shards that are no number", `${HEAD.replace('"failed":0', '"failed":"0"')}]}}`],
    ["a web page", "<html>404</html>"],
    ["nothing", ""],
    ["null", "null"],
    ["a list", "[]"],
  ])("%s", (_name, text) => {
    expect(() => read(Buffer.from(text, "latin1"))).toThrow(MalformedPageError);
  });

  test("an error's body, naming its type and status but not its reason", () => {
    const error = faultOf(
      Buffer.from('{"error":{"root_cause":[],"type":"search_phase_execution_exception","reason":"secret"},"status":404}'),
    );

    expect(error.fault).toBe("error-answer");
    expect(error.message).toBe("The search was answered by an error: search_phase_execution_exception, status 404");
  });

  test("an answer without hits", () => {
    expect(faultOf(Buffer.from('{"acknowledged":true}'))).toMatchObject({
      fault: "unexpected",
      message: "The answer to a search holds no hits",
    });
  });

  test("without quoting documents", () => {
    const texts = [hit('{"secret":"s1"').replace("_score", "secret"), hit('{"secret":"\n"}'), hit('{"a":1/secret}')];

    for (const text of texts) expect(faultOf(answer([text])).message).not.toContain("secret");
  });
});

describe("a page's life", () => {
  test("pages of different sizes after one another", () => {
    const page = new HitPage({ initialBytes: 10 });

    for (const count of [1, 5000, 2, 0, 300]) {
      const hits = Array.from({ length: count }, (_, sort) => hit(`{"n":"${"v".repeat(sort % 100)}"}`, sort));

      const reading = read(answer(hits), { page, chunkBytes: 65_536 });

      expect(reading.hits).toBe(count);
      expect(textOf(reading)).toBe(hits.map((line) => `${line}\n`).join(""));
    }
  });

  test("says how many bytes it has received", () => {
    const page = new HitPage();
    page.begin();
    page.append(Buffer.alloc(10));
    page.append(Buffer.alloc(5));
    const received = page.bytes;

    page.begin();

    expect([received, page.bytes]).toEqual([15, 0]);
  });

  test("a finished page takes nothing more and is not read twice", () => {
    const page = new HitPage();
    read(answer([]), { page });

    expect(() => page.finish()).toThrow("A page can be finished once");
    expect(() => page.append(Buffer.alloc(1))).toThrow("Begin another page before appending");
  });

  test("pages do not disturb one another", () => {
    const [first, second] = [new HitPage(), new HitPage()];
    const one = read(answer([hit('{"a":1}')]), { page: first });
    const other = read(answer([hit('{"b":2}')]), { page: second });

    expect([sourcesOf(one), sourcesOf(other)]).toEqual([['{"a":1}'], ['{"b":2}']]);
  });
});

test.each([
  ["a pair of surrogates", "\\ud83d\\ude00", "\u{1F600}"],
  ["a letter", "\\u00e4\\u20AC", "\u00e4\u20ac"],
  ["a slash", "a\\/b", "a/b"],
  ["a quote", "\\u0022", '\\"'],
  ["a control character", "\\u000a\\u0009", "\\n\\t"],
])("ids and routings that say the same have one digest, however a server escapes %s", (_, one, other) => {
  const digestOf = (text: string) => {
    const document = `{"_index":"x","_id":"i${text}","_routing":"${text}","_source":{"a":1},"sort":[1]}`;
    return read(answer([Buffer.from(document).toString("latin1")])).digest;
  };

  expect(digestOf(one)).toBe(digestOf(other));
  expect(digestOf(one)).not.toBe(digestOf(`${other}x`));
});

test("the committed module is the one that the sources make", async () => {
  const committed = await readFile(join(import.meta.dirname, "../../../functions/elasticsearch/hit-scanner-wasm.ts"), "utf8");

  expect(committed).toBe(await buildScanner());
});
