import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // The command line is tested as it is installed: built once, before everything.
    globalSetup: 'test/global-setup.ts',
    env: {
      // Nothing here may look for credentials beyond loopback.
      AWS_EC2_METADATA_DISABLED: 'true',
      NO_COLOR: '1',
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    },
    testTimeout: 30_000,
    // Most tests wait for another process: as many files at once as there are processors.
    maxWorkers: '100%',
  },
});
