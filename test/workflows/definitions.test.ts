import { describe, expect, it } from '@jest/globals';
import validate from 'asl-validator';
import { failures } from '../../contracts/failures.ts';
import { cleanOutcomes, OUTCOME_NOT_PUBLISHED, ROLL_BACK_FAILED } from '../../contracts/outcomes.ts';
import { golden, machineNames, tasks } from '../support/golden.ts';

/** Error names that are not ours: of Step Functions, of Lambda and its runtime, and of the EventBridge integration. */
const FOREIGN = /^(States|Lambda|Runtime|Sandbox|EventBridge)\.[A-Za-z\d]+$/;

/** Where each step's errors lead. Whoever changes this changes what is undone. */
const undo = {
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
    PublishRequested: 'PublishProvisioningFailed',
    Authenticate: 'PublishProvisioningFailed',
    EncryptCredentials: 'PublishProvisioningFailed',
    RequestUserCreation: 'CancelUserCreation',
    PublishProvisioned: 'CancelUserCreation',
    CancelUserCreation: 'PublishRollBackFailed',
    PublishProvisioningFailed: 'OutcomeNotPublished',
    PublishRollBackFailed: 'RollBackFailed',
  },
  RollBackProvisioning: {
    StopProvisioning: 'PublishRollBackFailed',
    CancelUserCreation: 'PublishRollBackFailed',
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

/** All variables of each machine; none holds more than a ciphertext. */
const variables = {
  CreateServiceUser: [
    'compensation_failure',
    'creation_in_flight',
    'creation_refused',
    'failure',
    'start_at',
    'user_sub',
  ],
  ProvisionServiceUser: ['compensation_failure', 'encrypted_password', 'failure'],
  RollBackProvisioning: ['compensation_failure', 'creation_requested', 'failure', 'had_succeeded'],
  RollBackServiceUser: [
    'compensation_failure',
    'creation_in_flight',
    'creation_refused',
    'failure',
    'had_succeeded',
    'user_sub',
  ],
} as const;

/** Whose machine each is: the ends that are clean differ. */
const services = {
  CreateServiceUser: 'app2',
  ProvisionServiceUser: 'app1',
  RollBackProvisioning: 'app1',
  RollBackServiceUser: 'app2',
} as const;

/** What the machines decide: which of two things a roll-back tells, by what it undid. */
const choices = {
  CreateServiceUser: {},
  ProvisionServiceUser: {},
  RollBackProvisioning: {
    ChooseCompensation: {
      '{% $creation_requested %}': 'CancelUserCreation',
      otherwise: 'ChoosePublishedOutcome',
    },
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

  it('leads every error of every step to its undo', () => {
    const leads = tasks(machine).map(([step, { Catch }]) => [
      step,
      Catch.find(({ ErrorEquals }) => ErrorEquals.includes('States.ALL'))?.Next,
    ]);

    expect(Object.fromEntries(leads)).toEqual(undo[name]);
  });

  it('decides between the ways on by nothing but these conditions', () => {
    const decisions = Object.entries(machine.States).flatMap(([state, decision]) => {
      if (decision.Type !== 'Choice') return [];
      const ways = decision.Choices.map(({ Condition, Next }) => [Condition, Next]);
      return [[state, { ...Object.fromEntries(ways), otherwise: decision.Default }]];
    });

    expect(Object.fromEntries(decisions)).toEqual(choices[name]);
  });

  it('matches only error names that can occur', () => {
    const names = tasks(machine).flatMap(([, { Retry, Catch }]) =>
      [...Retry, ...Catch].flatMap(({ ErrorEquals }) => ErrorEquals),
    );

    expect(names.filter((error) => !(error in failures) && !FOREIGN.test(error))).toEqual([]);
  });

  it('retries each error by one policy only, and none that is permanent', () => {
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

  it("has no retrier of CDK's own: each has a longest pause", () => {
    for (const [, { Retry }] of tasks(machine))
      for (const { MaxDelaySeconds } of Retry) expect(MaxDelaySeconds).toBeGreaterThan(0);
  });

  it('fails only in ways that the contract knows', () => {
    const known = [...cleanOutcomes[services[name]], OUTCOME_NOT_PUBLISHED, ROLL_BACK_FAILED];
    const ends = Object.entries(machine.States).flatMap(([state, { Type, Error: error }]) =>
      Type === 'Fail' ? [[state, error]] : [],
    );

    expect(ends.length).toBeGreaterThan(0);
    for (const [state, error] of ends) {
      expect(error).toBe(state);
      expect(known).toContain(error);
    }
  });

  it('carries nothing secret from state to state', () => {
    const carried = tasks(machine).flatMap(([, { Assign, Catch }]) =>
      [Assign, ...Catch.map((catcher) => catcher['Assign'])].flatMap((assigned) =>
        Object.keys(assigned ?? {}),
      ),
    );

    expect([...new Set(carried)].sort()).toEqual(variables[name]);
  });
});

describe.each([
  ['RollBackProvisioning', 'StopProvisioning'],
  ['RollBackServiceUser', 'StopUserCreation'],
] as const)('%s', (name, first) => {
  const machine = golden(name);
  const stop = tasks(machine).find(([state]) => state === first)?.[1];

  it('stops what it rolls back before it undoes anything', () => {
    expect(machine.StartAt).toBe(first);
  });

  it('tells why there is a roll-back in the words of what it stopped', () => {
    expect(stop?.['Assign']).toMatchObject({
      had_succeeded: '{% $states.result.Payload.had_succeeded %}',
      failure: '{% $states.result.Payload.failure %}',
    });
  });

  it('undoes nothing that it could not stop', () => {
    expect(stop?.Catch).toMatchObject([{ ErrorEquals: ['States.ALL'], Next: 'PublishRollBackFailed' }]);
  });
});

it.each(['CreateUser', 'SetPassword', 'AddToGroup'])(
  'CreateServiceUser says in %s how often it was started again after its end',
  (state) => {
    expect(golden('CreateServiceUser').States[state]).toMatchObject({
      Arguments: { Payload: { redrive_count: '{% $states.context.Execution.RedriveCount %}' } },
    });
  },
);

it('CreateServiceUser announces no user after it was redriven: it undoes', () => {
  const announced = golden('CreateServiceUser').States['PublishUserCreated'];
  expect(JSON.stringify(announced)).toContain('Execution.RedriveCount = 0 ?');
  expect(announced).toMatchObject({
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

it('CreateServiceUser ends without a word when it was cancelled before it arrived: nothing had begun', () => {
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

it('CreateServiceUser waits for its start before it makes anything, and then goes on', () => {
  const { States } = golden('CreateServiceUser');

  expect(States['DecryptCredentials']).toMatchObject({ Next: 'WaitForRateLimit' });
  expect(States['WaitForRateLimit']).toEqual({
    Type: 'Wait',
    Timestamp: '{% $start_at %}',
    Next: 'CreateUser',
  });
});

it('ProvisionServiceUser waits for its callback in RequestUserCreation, whichever way App2 answers', () => {
  const { States } = golden('ProvisionServiceUser');

  expect(States['RequestUserCreation']).toMatchObject({
    Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
    Arguments: { Payload: { task_token: '{% $states.context.Task.Token %}' } },
    Catch: [{ ErrorEquals: ['States.ALL'], Next: 'CancelUserCreation' }],
    Next: 'PublishProvisioned',
  });
});
