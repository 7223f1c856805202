import fc from "fast-check";
import { type BulkBody, BulkCutter, type BulkCutterOptions } from "../../../functions/elasticsearch/bulk-cutter.ts";
import { documentOf, idOf } from "../../../functions/elasticsearch/bulk-piece.ts";
import { MalformedLineError } from "../../../functions/elasticsearch/malformed-line-error.ts";
import { hitStart } from "../../tools/hit-arbitrary.ts";
import { type ReferenceHit, readReferenceHit, sumOf } from "../../tools/hit-reference.ts";

const INDEX: BulkCutterOptions = { targetBytes: 1_000_000, action: "index" };

/** Pieces whose bytes are gone once the next one is asked for, as those of a snapshot are. */
async function* inPieces(bytes: Buffer, pieceBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const piece = Buffer.from(bytes.subarray(at, at + pieceBytes));
    yield piece;
    piece.fill(0xee);
  }
}

interface Taken {
  readonly text: string;
  readonly documents: string[];
  readonly ids: (string | undefined)[];
  readonly count: number;
  readonly digest: bigint;
}

function take(body: BulkBody): Taken {
  const indexes = Array.from({ length: body.count }, (_, index) => index);
  return {
    text: Buffer.from(body.bytes).toString("latin1"),
    documents: indexes.map((index) => Buffer.from(documentOf(body, index)).toString("latin1")),
    ids: indexes.map((index) => idOf(body, index)),
    count: body.count,
    digest: body.digest,
  };
}

async function cut(lines: string | Buffer, options: BulkCutterOptions = INDEX, pieceBytes = 65_536): Promise<Taken[]> {
  const bodies: Taken[] = [];
  const bytes = typeof lines === "string" ? Buffer.from(lines, "latin1") : lines;
  for await (const body of new BulkCutter(options).cut(inPieces(bytes, pieceBytes))) {
    bodies.push(take(body));
    body.release();
  }
  return bodies;
}

async function textOf(lines: string, options?: BulkCutterOptions): Promise<string> {
  return (await cut(lines, options)).map(({ text }) => text).join("");
}

async function faultOf(lines: string, options?: BulkCutterOptions): Promise<MalformedLineError> {
  const error: unknown = await cut(lines, options).catch((reason) => reason);
  if (error instanceof MalformedLineError) return error;
  throw new Error("The lines were taken", { cause: error });
}

function bulkOf(hit: ReferenceHit, action = "index"): string {
  const fields = [hit.id === undefined ? [] : `"_id":"${hit.id}"`, hit.routing === undefined ? [] : `"routing":"${hit.routing}"`].flat();
  return `{"${action}":{${fields.join(",")}}}\n${hit.source}\n`;
}

function line(id: number | string, source = `{"n":${id}}`): string {
  return `{"_index":"x","_id":"${id}","_score":null,"_source":${source},"sort":[1]}\n`;
}

describe("bodies", () => {
  test("equal those of a tokenizer that reads byte by byte, wherever pieces and bodies end", async () => {
    const settings = fc.record({
      pieceBytes: fc.integer({ min: 1, max: 300 }),
      targetBytes: fc.integer({ min: 1, max: 2_000 }),
      action: fc.constantFrom("index" as const, "create" as const),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(hitStart({ isLine: true }), { maxLength: 8 }), settings, async (starts, { pieceBytes, ...options }) => {
        const hits = starts.map((start) => readReferenceHit(`${start}}`));
        const documents = hits.map((hit) => bulkOf(hit, options.action));

        const bodies = await cut(hits.map((hit) => `${hit.line}\n`).join(""), options, pieceBytes);

        expect(bodies.flatMap((body) => body.documents)).toEqual(documents);
        expect(bodies.map((body) => body.text).join("")).toBe(documents.join(""));
        expect(
          BigInt.asUintN(
            64,
            bodies.reduce((sum, body) => sum + body.digest, 0n),
          ),
        ).toBe(sumOf(hits));
        for (const body of bodies) {
          expect(body.count).toBeGreaterThan(0);
          expect(body.text.length <= options.targetBytes || body.count === 1).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("hold as many documents as fit", async () => {
    const size = bulkOf(readReferenceHit(line(1).trimEnd())).length;

    const lines = [1, 2, 3, 4, 5].map((id) => line(id)).join("");

    const twos = await cut(lines, { ...INDEX, targetBytes: 2 * size });
    const ones = await cut(lines, { ...INDEX, targetBytes: 2 * size - 1 });

    expect(twos.map(({ count }) => count)).toEqual([2, 2, 1]);
    expect(ones.map(({ count }) => count)).toEqual([1, 1, 1, 1, 1]);
  });

  test("hold one document when it is too large for the target, and others go on behind it", async () => {
    const big = `{"s":"${"z".repeat(3_000_000)}"}`;

    const bodies = await cut(line(1) + line(2, big) + line(3), { ...INDEX, targetBytes: 1_000 });

    expect(bodies.map(({ ids }) => ids)).toEqual([["1"], ["2"], ["3"]]);
    expect(bodies[1]?.text).toBe(`{"index":{"_id":"2"}}\n${big}\n`);
  });

  test("follow a target that changes between them", async () => {
    const cutter = new BulkCutter({ ...INDEX, targetBytes: 1 });
    const counts: number[] = [];

    for await (const body of cutter.cut(inPieces(Buffer.from([1, 2, 3, 4, 5].map((id) => line(id)).join("")), 10_000))) {
      counts.push(body.count);
      cutter.targetBytes = 1_000_000;
      body.release();
    }

    // The second one was begun under the first target.
    expect(counts).toEqual([1, 4]);
  });

  test("stay as they are while others are cut, until they are released", async () => {
    const cutter = new BulkCutter({ ...INDEX, targetBytes: 100 });
    const held: { body: BulkBody; before: Taken }[] = [];
    let bodies = 0;

    for await (const body of cutter.cut(inPieces(Buffer.from(Array.from({ length: 40 }, (_, id) => line(id)).join("")), 333))) {
      held.push({ body, before: take(body) });
      bodies += 1;
      if (bodies % 3 === 0) held.shift()!.body.release();
    }

    expect(held.length).toBeGreaterThan(5);
    for (const { body, before } of held) expect(take(body)).toEqual(before);
  });

  test("use released memories again", async () => {
    const cutter = new BulkCutter({ ...INDEX, targetBytes: 100 });
    const buffers = new Set<ArrayBufferLike>();

    for await (const body of cutter.cut(inPieces(Buffer.from(Array.from({ length: 100 }, (_, id) => line(id)).join("")), 333))) {
      buffers.add(body.bytes.buffer);
      body.release();
    }

    expect(buffers.size).toBeLessThanOrEqual(2);
  });

  test("cannot be read after their release, which may come twice", async () => {
    const bodies: BulkBody[] = [];
    for await (const body of new BulkCutter(INDEX).cut(inPieces(Buffer.from(line(1)), 100))) bodies.push(body);
    const [body] = bodies;

    body!.release();
    body!.release();

    expect(() => body!.bytes).toThrow("The body was released");
    expect(() => documentOf(body!, 0)).toThrow("The body was released");
  });

  test("say where each document is", async () => {
    for await (const body of new BulkCutter(INDEX).cut(inPieces(Buffer.from(line("a") + line("b\\u00e9\\n")), 100))) {
      expect([...body.offsets]).toEqual([0, 30, 76]);
      expect([idOf(body, 0), idOf(body, 1)]).toEqual(["a", "bé\n"]);
      body.release();
    }
  });

  test("name an id that is no text by its whole action", async () => {
    expect((await cut('{"_id":"\\q","_source":{}}'))[0]?.ids).toEqual(['{"index":{"_id":"\\q"}}']);
  });

  test("add up to all lines", async () => {
    const hits = Array.from({ length: 5_000 }, (_, id) => line(id));
    const cutter = new BulkCutter({ ...INDEX, targetBytes: 10_000 });

    for await (const body of cutter.cut(inPieces(Buffer.from(hits.join("")), 65_536))) body.release();

    expect(cutter.documents).toBe(5_000);
    expect(cutter.digest).toBe(sumOf(hits.map((hit) => readReferenceHit(hit.trimEnd()))));
  });
});

describe("lines", () => {
  test("of none there are no bodies", async () => {
    expect(await cut("")).toEqual([]);
    expect(await cut("\n \t\r\n\n")).toEqual([]);
  });

  test("may have their keys in any order", async () => {
    const text =
      '{"sort":[1],"_source":{"_id":"no","_source":{}},"fields":{"_routing":["no"]},"_version":3,"_routing":"r","_type":"_doc","_id":"1","_index":"x"}\n';

    expect(await textOf(text)).toBe('{"index":{"_id":"1","routing":"r"}}\n{"_id":"no","_source":{}}\n');
  });

  test("may have blanks between their tokens; those around a source stay its own", async () => {
    const text = ' { "_index" : "x" , "_id" : "1" ,\t"_source" : {"a": 1} , "sort" : [1] } \r\n\r\n';

    expect(await textOf(text)).toBe('{"index":{"_id":"1"}}\n {"a": 1} \n');
  });

  test("without a newline at the end count", async () => {
    expect((await cut(line(1) + line(2).trimEnd()))[0]?.ids).toEqual(["1", "2"]);
  });

  test("without an id or an index let the target make one", async () => {
    const lines = '{"_source":{"a":1}}\n'.repeat(100_000);

    const bodies = await cut(lines, { ...INDEX, action: "create", targetBytes: 100_000_000 });

    expect(bodies.map(({ text }) => text).join("")).toBe('{"create":{}}\n{"a":1}\n'.repeat(100_000));
    expect(bodies[0]?.ids[99_999]).toBeUndefined();
  });

  test("with ids longer than all else are cut too", async () => {
    const id = "i".repeat(300_000);

    expect(await textOf(line(1) + line(id, "{}") + line(2))).toBe(
      `{"index":{"_id":"1"}}\n{"n":1}\n{"index":{"_id":"${id}"}}\n{}\n{"index":{"_id":"2"}}\n{"n":2}\n`,
    );
  });

  test("give up their ids or routing where these are omitted, but not in the digest", async () => {
    const text = '{"_index":"x","_id":"1","_routing":"r","_source":{}}\n';
    const { hash } = readReferenceHit(text.trimEnd());

    const [withoutIds] = await cut(text, { ...INDEX, omitIds: true });
    const [withoutRouting] = await cut(text, { ...INDEX, omitRouting: true });
    const [withoutBoth] = await cut(text, { ...INDEX, omitIds: true, omitRouting: true });

    expect(withoutIds).toMatchObject({ text: '{"index":{"routing":"r"}}\n{}\n', ids: [undefined], digest: hash });
    expect(withoutRouting).toMatchObject({ text: '{"index":{"_id":"1"}}\n{}\n', digest: hash });
    expect(withoutBoth).toMatchObject({ text: '{"index":{}}\n{}\n', digest: hash });
  });

  test("bring ids and routing as they are written", async () => {
    const text = '{"_index":"x","_id":"\\"}\\\\\\u00e9","_routing":"\\/,","_source":{}}\n';

    expect(await textOf(text)).toBe('{"index":{"_id":"\\"}\\\\\\u00e9","routing":"\\/,"}}\n{}\n');
  });

  test("without a source are refused by number", async () => {
    const error = await faultOf(`${line(1)}\n${line(2)}{"_index":"x","_id":"3","fields":{"secret":[1]}}\n`);

    expect(error).toMatchObject({ line: 4, fault: "no-source", message: 'Line 4 holds no "_source"' });
  });

  test("are numbered through all bodies", async () => {
    const lines = Array.from({ length: 30 }, (_, id) => line(id)).join("");

    const error = await faultOf(`${lines}{"_index":"x","_id":"3","_source":{"secret"\n`, { ...INDEX, targetBytes: 100 });

    expect(error).toMatchObject({ line: 31, fault: "malformed", message: "Line 31 is not a hit" });
  });

  test.each([
    ["text", "secret"],
    ["a list", "[1]"],
    ["an empty object", "{}"],
    ["two hits on one line", line(1).trimEnd() + line(2).trimEnd()],
    ["a hit over two lines", '{"_index":"x","_id":"1","_source":\n{}}'],
    ["a source over two lines", '{"_index":"x","_id":"1","_source":{"a":1,\n"b":2}}'],
    ["a string over two lines", '{"_index":"x","_id":"1","_source":{"a":"\n"}}'],
    ["a source that is text", '{"_index":"x","_id":"1","_source":"undefined"}'],
    ["a source that is nothing", '{"_index":"x","_id":"1","_source":undefined}'],
    ["two sources", '{"_id":"1","_source":{},"_source":{}}'],
    ["an id with a control byte", '{"_id":"\u001f","_source":{}}'],
    ["two ids", '{"_id":"1","_id":"2","_source":{}}'],
    ["an id that is a number", '{"_id":1,"_source":{}}'],
    ["an escaped key", '{"_id":"1","_sourc\\u0065":{},"_source":{}}'],
    ["a comment in a source", '{"_id":"1","_source":{/* */}}'],
    ["a carriage return in a source", '{"_id":"1","_source":{"a":\r1}}'],
    ["a hit cut off at the end", line(1).slice(0, -5)],
    ["a hit cut off in its source", '{"_index":"x","_id":"1","_source":{"a":"'],
  ])("that are %s are refused", async (_name, text) => {
    expect((await faultOf(line(7) + text)).fault).toBe("malformed");
    expect((await faultOf(`${line(7)}${text}\n${line(8)}`)).fault).toBe("malformed");
  });

  test("cut off anywhere are refused, unless nothing of a line is missing", async () => {
    const whole = line(1) + line(2, '{"a":"\\"}","b":[{}]}');
    const ends = [0, line(1).length - 1, line(1).length, whole.length - 1, whole.length];

    for (let length = 0; length <= whole.length; length += 1) {
      const result = cut(whole.slice(0, length));
      if (ends.includes(length)) await result;
      else await expect(result).rejects.toThrow(MalformedLineError);
    }
  });

  test("stop where their source of bytes fails", async () => {
    async function* failing(): AsyncGenerator<Buffer> {
      yield Buffer.from(line(1));
      throw new Error("The stream broke");
    }

    const taken = Array.fromAsync(new BulkCutter(INDEX).cut(failing()));

    await expect(taken).rejects.toThrow("The stream broke");
  });
});
