import { describe, expect, test } from '@jest/globals';
import { judge } from './corrections.ts';
import { countsOf } from './result.ts';

const tests = (...assertionResults: { ancestorTitles: string[]; fullName: string; status: string }[]) => ({
  exitCode: 1,
  report: {
    numPassedTests: 0,
    numTotalTests: assertionResults.length,
    numRuntimeErrorTestSuites: 0,
    testResults: [{ name: 'kms.test.ts', assertionResults }],
  },
});
const one = (group: string, status: string) => ({
  ancestorTitles: [group],
  fullName: `${group} does it`,
  status,
});

describe('the counts of a Jest run', () => {
  const run = ({ exitCode = 0, passed = 0, failed = 0, broken = 0 }) => ({
    exitCode,
    report: {
      numPassedTests: passed,
      numTotalTests: passed + failed,
      numRuntimeErrorTestSuites: broken,
      testResults: [],
    },
  });

  test.each([
    ['are all passed', run({ passed: 3 }), { passed: 3, failed: 0 }],
    [
      'contain a failed or skipped test',
      run({ exitCode: 1, passed: 2, failed: 1 }),
      { passed: 2, failed: 1 },
    ],
    [
      'contain a file that could not be loaded',
      run({ exitCode: 1, passed: 2, broken: 1 }),
      { passed: 2, failed: 1 },
    ],
    ['contain a failed teardown', run({ exitCode: 1, passed: 2 }), { passed: 2, failed: 1 }],
    ['contain a run without tests as failed', run({}), { passed: 0, failed: 1 }],
    [
      'contain a run that did not start as failed',
      { exitCode: 1, report: undefined },
      { passed: 0, failed: 1 },
    ],
  ])('%s', (_, jestRun, counts) => {
    expect(countsOf(jestRun)).toEqual(counts);
  });
});

describe('a run without the corrections', () => {
  test('is expected to fail the tests of corrections, and to pass all other tests', () => {
    const run = tests(one('corrected: KMS', 'failed'), one('unchanged: KMS', 'passed'));

    expect(judge(run)).toEqual({ expected: 2, unexpected: [] });
  });

  test('lists the tests with another result', () => {
    const run = tests(
      one('corrected: KMS', 'passed'),
      one('unchanged: KMS', 'failed'),
      one('corrected: IAM', 'pending'),
    );

    expect(judge(run)).toEqual({
      expected: 0,
      unexpected: [
        'passed instead of failed: corrected: KMS does it',
        'failed instead of passed: unchanged: KMS does it',
        'pending instead of failed: corrected: IAM does it',
      ],
    });
  });

  test('fails if a file cannot be loaded, or no test runs', () => {
    expect(judge(tests())).toEqual({ expected: 0, unexpected: ['cannot be loaded: kms.test.ts'] });
    expect(judge({ exitCode: 1, report: undefined })).toEqual({ expected: 0, unexpected: ['no test ran'] });
  });
});
