const project = (name: string) => ({
  displayName: name,
  rootDir: import.meta.dirname,
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  testEnvironment: "node",
  extensionsToTreatAsEsm: [".ts"],
  transform: { "\\.ts$": "<rootDir>/test/tools/strip-types.cjs" },
});

export default {
  globalTeardown: "<rootDir>/test/tools/end-of-run.ts",
  // Many tests start servers and processes: on a busy machine that takes its time.
  testTimeout: 90_000,
  projects: ["unit", "contract", "integration", "e2e", "e2e-all"].map(project),
};
