import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // CommonJS packages are imported as Node imports them, so that tests run what users run.
    deps: { interopDefault: false },
    pool: 'forks',
    maxWorkers: 2,
  },
});
