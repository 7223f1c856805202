import { ParameterError } from "../errors.ts";

export interface ImageParts {
  /** What stands before the last slash; may be empty. */
  readonly registry: string;
  readonly name: string;
  /** The tag, with the digest behind it; "latest" when there is neither, absent when there is a digest alone: registry/name:tag is the image again. */
  readonly tag: string | undefined;
}

const COMPONENT = "[a-z0-9]+(?:[._-]+[a-z0-9]+)*";
const REFERENCE = new RegExp(
  `^(?:((?:[A-Za-z0-9.-]+(?::\\d+)?/)?(?:${COMPONENT}/)*))?(${COMPONENT})(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@([a-z0-9]+:[a-f0-9]{32,}))?$`,
);

/** The parts of an image's reference. @throws ParameterError naming `origin` for what no container runtime would pull */
export function imageParts(image: string, origin: string): ImageParts {
  const match = REFERENCE.exec(image);
  if (match === null) {
    throw new ParameterError(`${origin}: "${image}" is not an image's name`, {
      hint: "Name an image as REGISTRY/NAME:TAG: --image replaces what the Functions say",
    });
  }
  const [, path = "", name = "", tag, digest] = match;
  const whole = digest === undefined ? (tag ?? "latest") : tag && `${tag}@${digest}`;
  return { registry: path.replace(/\/$/, ""), name, tag: whole };
}
