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

describe('the counts of a run of Jest', () => {
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
    ['all passed', run({ passed: 3 }), { passed: 3, failed: 0 }],
    ['one failed or was skipped', run({ exitCode: 1, passed: 2, failed: 1 }), { passed: 2, failed: 1 }],
    ['a file could not be loaded', run({ exitCode: 1, passed: 2, broken: 1 }), { passed: 2, failed: 1 }],
    ['only the teardown failed', run({ exitCode: 1, passed: 2 }), { passed: 2, failed: 1 }],
    ['there was no test', run({}), { passed: 0, failed: 1 }],
    ['Jest did not start', { exitCode: 1, report: undefined }, { passed: 0, failed: 1 }],
  ])('%s', (_, jestRun, counts) => {
    expect(countsOf(jestRun)).toEqual(counts);
  });
});

describe('the verdict on a run without the corrections', () => {
  test('a test of a correction must fail, any other must pass', () => {
    const run = tests(one('corrected: KMS', 'failed'), one('as it comes: KMS', 'passed'));
    expect(judge(run)).toEqual({ right: 2, wrong: [] });
  });

  test('says which tests came out otherwise', () => {
    const run = tests(
      one('corrected: KMS', 'passed'),
      one('as it comes: KMS', 'failed'),
      one('corrected: IAM', 'pending'),
    );
    expect(judge(run)).toEqual({
      right: 0,
      wrong: [
        'passed instead of failed: corrected: KMS does it',
        'failed instead of passed: as it comes: KMS does it',
        'pending instead of failed: corrected: IAM does it',
      ],
    });
  });

  test('a file that cannot be loaded, or no run at all, is no success', () => {
    expect(judge(tests())).toEqual({ right: 0, wrong: ['cannot be loaded: kms.test.ts'] });
    expect(judge({ exitCode: 1, report: undefined })).toEqual({ right: 0, wrong: ['no test ran'] });
  });
});
