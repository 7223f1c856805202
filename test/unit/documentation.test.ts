import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as errors from "../../runner/errors.ts";

const ROOT = join(import.meta.dirname, "../..");
const DOCS = join(ROOT, "docs");
const pages = readdirSync(DOCS).filter((name) => name.endsWith(".md"));
const read = (path: string) => readFileSync(path, "utf8");

test("every page of docs/ is in its index", () => {
  const index = read(join(DOCS, "README.md"));

  expect(pages.filter((page) => page !== "README.md" && !index.includes(`(${page})`))).toEqual([]);
});

test.each([...pages.map((page) => `docs/${page}`), "deploy/README.md", "operator/README.md", "README.md"])(
  "links of %s lead to files, and to headings that are there",
  (page) => {
    const path = join(ROOT, page);
    const links = [...read(path).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)];

    const broken = links.filter(([, file = "", heading]) => {
      const target = file === "" ? path : join(dirname(path), file);
      return !existsSync(target) || (heading !== undefined && !headingsOf(read(target)).includes(heading));
    });

    expect(broken.map(([link]) => link)).toEqual([]);
  },
);

test("docs/troubleshooting.md explains every reason that the operator gives, and every exit code", () => {
  const page = read(join(DOCS, "troubleshooting.md"));
  const sources = ["operator/decide", "operator/apply"].flatMap((folder) =>
    readdirSync(join(ROOT, folder)).map((name) => join(ROOT, folder, name)),
  );
  const reasons = sources.flatMap((path) => [...read(path).matchAll(/\breason: "([A-Z]\w+)"/g)].map(([, reason = ""]) => reason));
  const codes = Object.values(errors).flatMap((each) => (isErrorClass(each) ? [new each("").exitCode] : []));

  expect(new Set(reasons).size).toBeGreaterThan(25);
  expect(
    [...new Set(reasons)].filter((reason) => !/^Successfully|Passed$|CreationSucceeded$/.test(reason) && !page.includes(reason)),
  ).toEqual([]);
  expect(codes.length).toBeGreaterThan(10);
  expect([...new Set(codes)].filter((code) => !new RegExp(`^\\| (\\d+, )?${code}(, \\d+)? \\|`, "m").test(page))).toEqual([]);
});

type ErrorClass = new (message: string) => errors.HoldfastError;

function isErrorClass(value: unknown): value is ErrorClass {
  return typeof value === "function" && value.prototype instanceof errors.HoldfastError;
}

function headingsOf(page: string): readonly string[] {
  const headings = [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}
