const project = (name: string) => ({
  displayName: name,
  rootDir: import.meta.dirname,
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  testEnvironment: "node",
  extensionsToTreatAsEsm: [".ts"],
  transform: { "\\.ts$": "<rootDir>/test/tools/strip-types.cjs" },
});

export default { projects: ["unit", "contract", "integration", "e2e"].map(project) };
