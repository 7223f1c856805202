/** A test of the last two kinds starts servers and processes; on a busy machine that takes its time. */
const TIMEOUT_MS = { unit: 20_000, contract: 30_000, integration: 60_000, e2e: 60_000 };

const project = (name: keyof typeof TIMEOUT_MS) => ({
  displayName: name,
  rootDir: import.meta.dirname,
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  testEnvironment: "node",
  extensionsToTreatAsEsm: [".ts"],
  testTimeout: TIMEOUT_MS[name],
  transform: { "\\.ts$": "<rootDir>/test/tools/strip-types.cjs" },
});

export default { projects: (Object.keys(TIMEOUT_MS) as (keyof typeof TIMEOUT_MS)[]).map(project) };
