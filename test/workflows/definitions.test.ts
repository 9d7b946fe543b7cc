import { describe, expect, it } from '@jest/globals';
import validate from 'asl-validator';
import { failures } from '../../contracts/failures.ts';
import { cleanOutcomes, OUTCOME_NOT_PUBLISHED, ROLL_BACK_FAILED } from '../../contracts/outcomes.ts';
import { allStates } from '../../workflows/asl.ts';
import { golden, machineNames, tasks } from '../support/golden.ts';
import { evaluated } from './rules/expressions.ts';
import * as rules from './rules/states.ts';

/** Error names of Step Functions, of Lambda and its runtime, and of the EventBridge integration. */
const AWS_ERROR = /^(States|Lambda|Runtime|Sandbox|EventBridge)\.[A-Za-z\d]+$/;

/** The next state after an error of each step. A change here changes which steps are compensated. */
const errorTransitions = {
  CreateServiceUser: {
    DecryptCredentials: 'PublishUserCreationRejected',
    CreateUser: 'DeleteUser',
    SetPassword: 'DeleteUser',
    AddToGroup: 'DeleteUser',
    PublishUserCreated: 'DeleteUser',
    DeleteUser: 'PublishRollBackFailed',
    PublishUserRolledBack: 'OutcomeNotPublished',
    PublishUserCreationRejected: 'OutcomeNotPublished',
    PublishRollBackFailed: 'RollBackFailed',
  },
  ProvisionServiceUser: {
    PublishRequested: 'CompensateTargets',
    ProvisionTargets: 'CompensateTargets',
    Authenticate: 'TargetFailed',
    EncryptCredentials: 'TargetFailed',
    RequestUserCreation: 'TargetFailed',
    PublishProvisioned: 'CompensateTargets',
    CompensateTargets: 'PublishRollBackFailed',
    CancelUserCreation: 'UserMayRemain',
    PublishProvisioningFailed: 'OutcomeNotPublished',
    PublishRollBackFailed: 'RollBackFailed',
  },
  RollBackProvisioning: {
    StopProvisioning: 'PublishRollBackFailed',
    CompensateTargets: 'PublishRollBackFailed',
    CancelUserCreation: 'UserMayRemain',
    PublishProvisioningFailed: 'OutcomeNotPublished',
    PublishProvisioningCancelled: 'OutcomeNotPublished',
    PublishDeprovisioned: 'OutcomeNotPublished',
    PublishRollBackFailed: 'RollBackFailed',
  },
  RollBackServiceUser: {
    StopUserCreation: 'PublishRollBackFailed',
    DeleteUser: 'PublishRollBackFailed',
    PublishUserRolledBack: 'OutcomeNotPublished',
    PublishUserCreationCancelled: 'OutcomeNotPublished',
    PublishUserRemoved: 'OutcomeNotPublished',
    PublishRollBackFailed: 'RollBackFailed',
  },
} as const;

/** All variables of each state machine; none contains a secret in plaintext. */
const variables = {
  CreateServiceUser: [
    'compensation_failure',
    'creation_in_flight',
    'creation_refused',
    'failure',
    'start_at',
    'user_sub',
  ],
  ProvisionServiceUser: ['compensation_failure', 'creation_requested', 'failure', 'outcomes'],
  RollBackProvisioning: [
    'compensation_failure',
    'creation_requested',
    'failure',
    'had_succeeded',
    'outcomes',
  ],
  RollBackServiceUser: [
    'compensation_failure',
    'creation_in_flight',
    'creation_refused',
    'failure',
    'had_succeeded',
    'user_sub',
  ],
} as const;

/** The service of each state machine, for its clean outcomes. */
const services = {
  CreateServiceUser: 'app2',
  ProvisionServiceUser: 'app1',
  RollBackProvisioning: 'app1',
  RollBackServiceUser: 'app2',
} as const;

const chooseCompensation = {
  '{% $states.input.creation_requested %}': 'CancelUserCreation',
  otherwise: 'NothingRequested',
};
const remains = "{% $exists($outcomes[user = 'unknown']) %}";

/** The conditions of all Choice states. */
const choices = {
  CreateServiceUser: {},
  ProvisionServiceUser: {
    ChooseCompensation: chooseCompensation,
    ChooseOutcome: { [remains]: 'PublishRollBackFailed', otherwise: 'PublishProvisioningFailed' },
  },
  RollBackProvisioning: {
    ChooseCompensation: chooseCompensation,
    ChooseOutcome: { [remains]: 'PublishRollBackFailed', otherwise: 'ChoosePublishedOutcome' },
    ChoosePublishedOutcome: {
      '{% $had_succeeded %}': 'PublishDeprovisioned',
      "{% $failure.error = 'Cancelled' %}": 'PublishProvisioningCancelled',
      otherwise: 'PublishProvisioningFailed',
    },
  },
  RollBackServiceUser: {
    ChoosePublishedOutcome: {
      '{% $had_succeeded %}': 'PublishUserRemoved',
      "{% $failure.error = 'Cancelled' %}": 'PublishUserCreationCancelled',
      otherwise: 'PublishUserRolledBack',
    },
  },
} as const;

describe.each(machineNames)('%s', (name) => {
  const machine = golden(name);

  it('is valid Amazon States Language', () => {
    const { isValid, errorsText } = validate(structuredClone(machine), { checkArn: false });

    expect(isValid ? '' : errorsText('\n')).toBe('');
  });

  it('continues with the compensation after every error of every step', () => {
    const transitions = allStates(machine).flatMap(([step, state]) =>
      'Catch' in state && Array.isArray(state.Catch)
        ? [[step, state.Catch.find(({ ErrorEquals }) => ErrorEquals.includes('States.ALL'))?.Next]]
        : [],
    );

    expect(Object.fromEntries(transitions)).toEqual(errorTransitions[name]);
  });

  it('has only these conditions in its Choice states', () => {
    const conditions = allStates(machine).flatMap(([name, state]) => {
      if (state.Type !== 'Choice') return [];
      const rules = state.Choices.map(({ Condition, Next }) => [Condition, Next]);
      return [[name, { ...Object.fromEntries(rules), otherwise: state.Default }]];
    });

    expect(Object.fromEntries(conditions)).toEqual(choices[name]);
  });

  it('matches only error names that can occur', () => {
    const names = tasks(machine).flatMap(([, { Retry, Catch }]) =>
      [...Retry, ...Catch].flatMap(({ ErrorEquals }) => ErrorEquals),
    );

    expect(names.filter((error) => !(error in failures) && !AWS_ERROR.test(error))).toEqual([]);
  });

  it('retries each error by one policy only, and no permanent error', () => {
    for (const [, { Retry }] of tasks(machine)) {
      const retried = Retry.flatMap(({ ErrorEquals }) => ErrorEquals);
      expect(new Set(retried).size).toBe(retried.length);
      for (const permanent of [
        'States.ALL',
        'States.TaskFailed',
        'UsernameRejected',
        'UserAlreadyExists',
        'UserBeingRemoved',
        'RedriveRefused',
        'Cancelled',
        'PasswordRejected',
        'CredentialsRejected',
        'InvalidStepInput',
        'StepFailed',
      ])
        expect(retried).not.toContain(permanent);
    }
  });

  it('has no default retrier of CDK, which would have no longest delay', () => {
    for (const [, { Retry }] of tasks(machine))
      for (const { MaxDelaySeconds } of Retry) expect(MaxDelaySeconds).toBeGreaterThan(0);
  });

  it('fails only with outcomes of the contract', () => {
    const known = [...cleanOutcomes[services[name]], OUTCOME_NOT_PUBLISHED, ROLL_BACK_FAILED];
    // The Fail state of an iteration is not the outcome of the execution: the Map catches it.
    const failStates = Object.entries(machine.States).flatMap(([state, { Type, Error: error }]) =>
      Type === 'Fail' ? [[state, error]] : [],
    );

    expect(failStates.length).toBeGreaterThan(0);
    for (const [state, error] of failStates) {
      expect(error).toBe(state);
      expect(known).toContain(error);
    }
  });

  it('has only these variables, of which none is a secret', () => {
    const assignedNames = rules
      .allStates(rules.states.parse(machine))
      .flatMap(([, state]) => rules.assignedBy(state).flatMap(Object.keys));

    expect([...new Set(assignedNames)].sort()).toEqual(variables[name]);
  });
});

describe.each([
  ['RollBackProvisioning', 'StopProvisioning'],
  ['RollBackServiceUser', 'StopUserCreation'],
] as const)('%s', (name, first) => {
  const machine = golden(name);
  const stop = tasks(machine).find(([state]) => state === first)?.[1];

  it('stops the execution before it compensates its steps', () => {
    expect(machine.StartAt).toBe(first);
  });

  it('takes the failure from the execution that it stopped', () => {
    expect(stop?.['Assign']).toMatchObject({
      had_succeeded: '{% $states.result.Payload.had_succeeded %}',
      failure: '{% $states.result.Payload.failure %}',
    });
  });

  it('compensates nothing if the execution could not be stopped', () => {
    expect(stop?.Catch).toMatchObject([{ ErrorEquals: ['States.ALL'], Next: 'PublishRollBackFailed' }]);
  });
});

it.each(['CreateUser', 'SetPassword', 'AddToGroup'])(
  'CreateServiceUser passes the redrive count to %s',
  (state) => {
    expect(golden('CreateServiceUser').States[state]).toMatchObject({
      Arguments: { Payload: { redrive_count: '{% $states.context.Execution.RedriveCount %}' } },
    });
  },
);

it('CreateServiceUser compensates instead of publishing a user after a redrive', () => {
  const publish = golden('CreateServiceUser').States['PublishUserCreated'];

  expect(JSON.stringify(publish)).toContain('Execution.RedriveCount = 0 ?');
  expect(publish).toMatchObject({
    Catch: [
      {
        ErrorEquals: ['States.QueryEvaluationError'],
        Next: 'DeleteUser',
        Assign: { failure: { error: 'RedriveRefused' } },
      },
      { ErrorEquals: ['States.ALL'] },
    ],
  });
});

it('CreateServiceUser publishes nothing if the cancellation arrived before the request', () => {
  const { States } = golden('CreateServiceUser');

  expect(States['DecryptCredentials']).toMatchObject({
    Catch: [
      {
        ErrorEquals: ['Cancelled'],
        Next: 'Cancelled',
        Assign: { failure: { step: 'DecryptCredentials', error: 'Cancelled' } },
      },
      { ErrorEquals: ['States.ALL'], Next: 'PublishUserCreationRejected' },
    ],
  });
  expect(States['Cancelled']).toMatchObject({ Type: 'Fail', Error: 'Cancelled' });
});

it('CreateServiceUser waits for its reserved start before it creates the user', () => {
  const { States } = golden('CreateServiceUser');

  expect(States['DecryptCredentials']).toMatchObject({ Next: 'WaitForRateLimit' });
  expect(States['WaitForRateLimit']).toEqual({
    Type: 'Wait',
    Timestamp: '{% $start_at %}',
    Next: 'CreateUser',
  });
});

it('ProvisionServiceUser always waits for a callback in RequestUserCreation', () => {
  const states = Object.fromEntries(allStates(golden('ProvisionServiceUser')));

  expect(states['RequestUserCreation']).toMatchObject({
    Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
    Arguments: { Payload: { task_token: '{% $states.context.Task.Token %}' } },
    Catch: [{ ErrorEquals: ['States.ALL'], Next: 'TargetFailed' }],
    End: true,
  });
});

it.each([
  ['ProvisionServiceUser', 'ProvisionTargets'],
  ['ProvisionServiceUser', 'CompensateTargets'],
  ['RollBackProvisioning', 'CompensateTargets'],
])('%s repeats no iteration of %s, and runs all of them at the same time', (name, state) => {
  const { States } = golden(name);

  expect(States[state]).toMatchObject({
    Items: '{% $states.context.Execution.Input.targets %}',
    ItemSelector: { target: '{% $states.context.Map.Item.Value %}' },
    ItemProcessor: { ProcessorConfig: { Mode: 'INLINE' } },
  });
  expect(States[state]).not.toHaveProperty('Retry');
  expect(States[state]).not.toHaveProperty('MaxConcurrency');
});

describe('the failure of an iteration of ProvisionTargets', () => {
  const { Catch } = rules.states.parse(golden('ProvisionServiceUser')).States['ProvisionTargets'] ?? {};
  const targets = ['app2', 'payments', 'orders'];
  const assignedAfter = async (error: string, cause: unknown) => {
    const catcher = Catch?.find(({ ErrorEquals }) => [error, 'States.ALL'].includes(ErrorEquals[0] ?? ''));
    const Cause = typeof cause === 'string' ? cause : JSON.stringify(cause);
    const states = { errorOutput: { Error: error, Cause }, context: { Execution: { Input: { targets } } } };
    return evaluated(catcher?.Assign, { states });
  };

  it.each([
    ['RequestUserCreation', ['app2', 'payments', 'orders']],
    ['EncryptCredentials', ['app2', 'orders']],
    ['Authenticate', ['app2', 'orders']],
  ])(
    'in %s requires the compensation of every target that may have received the request',
    async (step, requested) => {
      const failure = { target: 'payments', step, error: 'TargetUnavailable' };

      const assigned = await assignedAfter('TargetFailed', failure);

      expect(assigned).toEqual({ failure, creation_requested: requested });
    },
  );

  it('requires the compensation of every target after any other error, whose Cause is not parsed', async () => {
    const assigned = await assignedAfter('States.DataLimitExceeded', 'free text');

    expect(assigned).toEqual({
      failure: { step: 'ProvisionTargets', error: 'States.DataLimitExceeded' },
      creation_requested: targets,
    });
  });
});
