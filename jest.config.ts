import type { Config } from 'jest';

// One project a tier; hack/test runs them one after the other. Verify lints and type-checks, so ts-jest only strips types here.
const shared = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['ts-jest', { useESM: true, diagnostics: false, tsconfig: 'tsconfig.json' }] },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
} satisfies Config;

const tier = (name: string, testMatch: string[]): Config & { displayName: string } => ({
  ...shared,
  displayName: name,
  testMatch,
});

const config: Config = {
  // Only for what hangs: no test is red because the machine is busy.
  testTimeout: 600_000,
  projects: [
    tier('unit', [
      '<rootDir>/controller/**/*.test.ts',
      '<rootDir>/agent/**/*.test.ts',
      '<rootDir>/test/support/**/*.test.ts',
    ]),
    tier('contract', ['<rootDir>/test/contract/**/*.test.ts']),
    tier('integration', ['<rootDir>/test/integration/**/*.test.ts']),
    tier('e2e', ['<rootDir>/test/e2e/**/*.test.ts']),
  ],
};
export default config;
