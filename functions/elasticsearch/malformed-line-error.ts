/** A line cannot be restored as a document. Never holds bytes of it. */
export class MalformedLineError extends Error {
  override readonly name = "MalformedLineError";
  /** From 1 on. */
  readonly line: number;
  readonly fault: "malformed" | "no-source";

  constructor(line: number, fault: "malformed" | "no-source") {
    super(fault === "no-source" ? `Line ${line} holds no "_source"` : `Line ${line} is not a hit`);
    this.line = line;
    this.fault = fault;
  }
}
