import { fileURLToPath } from 'node:url';

// CDK's own check of the templates takes longer than making them; `cdk synth` makes it.
process.env['CDK_VALIDATION'] = 'false';
// As cli/support/start.mjs does for every program: without it each test process on Node 20 prints the notice of the AWS SDK.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

// Where the tests share the templates that they make (infra/template-cache.ts).
process.env['TEMPLATE_CACHE'] = fileURLToPath(new URL('.build/templates', import.meta.url));

/** One swc transform for everything; the packages named here ship only ES modules, which Jest's CommonJS cannot load as they are. */
const esmOnly = ['uuid', 'get-port', 'p-limit', 'yocto-queue', 'execa', '@bomb.sh', 'pixelmatch'];
const base = {
  testEnvironment: 'node',
  transform: {
    '^.+\\.m?[jt]s$': [
      '@swc/jest',
      { jsc: { target: 'es2023', parser: { syntax: 'typescript' }, keepClassNames: true } },
    ],
  },
  // As `paths` in tsconfig.json.
  moduleNameMapper: { '^cross-service-provisioning/(\\w+)$': '<rootDir>/package/$1.ts' },
  transformIgnorePatterns: [`/node_modules/(?!(${esmOnly.join('|')})/)`],
};
/** A project: the tests below these folders of test/. `npm run test:one` finds the project of a file by them. */
const suite = (name, folders, extra = {}) => ({
  ...base,
  displayName: name,
  roots: folders.map((folder) => `<rootDir>/test/${folder}`),
  testMatch: ['**/*.test.ts'],
  ...extra,
});

export default {
  projects: [
    suite(
      'unit',
      [
        'acceptance',
        'architecture',
        'bench',
        'cli',
        'contracts',
        'docs',
        'examples',
        'handlers',
        'infra',
        'load',
        'local',
        'mutations',
        'runner',
        'trace',
        'workflows',
      ],
      {
        testPathIgnorePatterns: ['/load/deployed/'],
        setupFiles: ['<rootDir>/test/support/environment.ts'],
      },
    ),
    suite('trace-page', ['trace-page'], {
      globalSetup: '<rootDir>/test/trace-page/setup.ts',
      setupFilesAfterEnv: ['<rootDir>/test/trace-page/support/patience.ts'],
    }),
    suite('local-aws', ['local-aws'], {
      globalSetup: '<rootDir>/test/local-aws/setup.ts',
      globalTeardown: '<rootDir>/test/local-aws/teardown.ts',
      setupFilesAfterEnv: ['<rootDir>/test/local-aws/support/patience.ts'],
    }),
    suite('e2e', ['e2e'], {
      globalSetup: '<rootDir>/test/e2e/setup.ts',
      globalTeardown: '<rootDir>/test/e2e/teardown.ts',
      setupFilesAfterEnv: ['<rootDir>/test/e2e/support/timeout.ts'],
    }),
    suite('permissions', ['permissions'], {
      globalSetup: '<rootDir>/test/permissions/setup.ts',
      globalTeardown: '<rootDir>/test/permissions/teardown.ts',
      setupFilesAfterEnv: ['<rootDir>/test/e2e/support/timeout.ts'],
    }),
    suite('accounts', ['accounts'], {
      globalSetup: '<rootDir>/test/accounts/setup.ts',
      globalTeardown: '<rootDir>/test/accounts/teardown.ts',
      setupFilesAfterEnv: ['<rootDir>/test/e2e/support/timeout.ts'],
    }),
    suite('faults', ['faults'], {
      globalSetup: '<rootDir>/test/faults/setup.ts',
      globalTeardown: '<rootDir>/test/faults/teardown.ts',
      setupFilesAfterEnv: [
        '<rootDir>/test/faults/support/target-of-file.ts',
        '<rootDir>/test/faults/support/timeout.ts',
      ],
    }),
    suite('package', ['package']),
    suite('models', ['models']),
    suite('templates', ['templates']),
    suite('load', ['load/deployed'], {
      globalSetup: '<rootDir>/test/load/deployed/setup.ts',
      globalTeardown: '<rootDir>/test/load/deployed/teardown.ts',
      setupFilesAfterEnv: ['<rootDir>/test/faults/support/timeout.ts'],
    }),
  ],
};
