import packageJson from "../package.json" with { type: "json" };

/** The version of this program, as manifests and reports name it. */
export const version: string = packageJson.version;
