import { describe, expect, it } from '@jest/globals';
import { golden, machineNames } from '../support/golden.ts';
import { type Rule, rules } from './rules/rules.ts';
import { type States, states } from './rules/states.ts';

/** A state machine with one Pass state, which the seeded defects replace. */
const machine = (state: object, others: object = {}): States =>
  states.parse({
    StartAt: 'First',
    States: { First: { Type: 'Pass', Next: 'Last', ...state }, Last: { Type: 'Succeed' }, ...others },
  });
const map = (inside: object, more: object = {}) =>
  machine({
    Type: 'Map',
    ItemProcessor: { StartAt: 'Inner', States: { Inner: { Type: 'Pass', ...inside } } },
    ...more,
  });
const output = (code: string) => machine({ Output: `{% ${code} %}` });

/** For each rule, definitions that AWS refuses, with the reported violation. */
const seeded: Record<string, readonly [States, string][]> = {
  'each name of a state has at most 80 characters and is unique': [
    [machine({}, { ['ä'.repeat(81)]: { Type: 'Succeed' } }), `${'ä'.repeat(81)} is too long`],
    [
      machine({
        Type: 'Parallel',
        Branches: [{ StartAt: 'Last', States: { Last: { Type: 'Succeed' } } }],
      }),
      'Last is not unique',
    ],
  ],
  'each name of a variable is an identifier of at most 80 characters, and not `states`': [
    [machine({ Assign: { 'a-b': 1 } }), 'First assigns a-b, which is not a valid name'],
    [machine({ Assign: { states: 1 } }), 'First assigns states, which is not a valid name'],
    [
      machine({ Assign: { [`a${'b'.repeat(80)}`]: 1 } }),
      `First assigns a${'b'.repeat(80)}, which is not a valid name`,
    ],
  ],
  'a state inside a Map or Parallel sets no variable of an outer scope': [
    [
      map({ Assign: { a: 1 } }, { Assign: { a: 2 } }),
      'Inner assigns a, which is a variable of an outer scope',
    ],
  ],
  'each variable that is read is set in the same scope or an outer scope': [
    [output('$a'), 'First.Output: $a is not set in this scope'],
    [map({ Assign: { a: 1 } }, { Output: '{% $a %}' }), 'First.Output: $a is not set in this scope'],
  ],
  'each expression fills its text from `{%` to `%}` and is JSONata 2.0.6': [
    [machine({ Output: ' {% 1 %}' }), 'First.Output cannot be parsed'],
    [output('1 +'), 'First.Output cannot be parsed'],
  ],
  'each function exists in Step Functions': [
    [output("$eval('1')"), 'First.Output: $eval does not exist'],
    [output('$not($states.input.a ~> $sort() ~> $flatten())'), 'First.Output: $flatten does not exist'],
  ],
  'an expression does not start with a plain name, `$` or `$$`': [
    [output('name'), 'First.Output: name has no context'],
    [output('$.name'), 'First.Output: $ has no context'],
    [output('$count($$)'), 'First.Output: $$ has no context'],
  ],
  '`$states` is read only at positions that have the value': [
    [output('$states.errorOutput.Error'), 'First.Output: $states.errorOutput is available in a Catch only'],
    [
      output('$states.result.a'),
      'First.Output: $states.result is available in Assign and Output of a Task, Parallel or Map only',
    ],
    [
      map({ Output: '{% $states.context.Map.Item.Value %}' }),
      'Inner.Output: $states.context.Map is available in an ItemSelector only',
    ],
    [
      machine({
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke',
        Arguments: '{% $states.context.Task.Token %}',
      }),
      'First.Arguments: $states.context.Task is available in Arguments of a task that waits for its token only',
    ],
    [output('$states.inputs'), 'First.Output: $states has no inputs'],
  ],
  '`States.ALL` is alone in its list and last': [
    [
      machine({ Type: 'Task', Catch: [{ ErrorEquals: ['States.ALL', 'Other'], Next: 'Last' }] }),
      'First.Catch has States.ALL beside or before others',
    ],
    [
      machine({ Type: 'Task', Retry: [{ ErrorEquals: ['States.ALL'] }, { ErrorEquals: ['Other'] }] }),
      'First.Retry has States.ALL beside or before others',
    ],
  ],
  'the history has at most 25,000 events with every retry used up': [
    [machine({ Type: 'Task', Retry: [{ ErrorEquals: ['Other'], MaxAttempts: 9_000 }] }), '27009 events'],
    [machine({ Next: 'First' }), 'Infinity events'],
  ],
  'the definition has at most 1 MiB': [[machine({ Comment: 'x'.repeat(1_048_576) }), '1048781 bytes']],
};

/** Definitions that AWS accepts and that resemble the refused ones. */
const allowed: Record<string, States> = {
  'functions of Step Functions': output(
    "$partition([1], 1) ~> $append($range(1, 2, 1)) ~> $append([$hash('a', 'MD5'), $uuid(), $random(1), $parse('1')])",
  ),
  'names and `$` of what they are of': output(
    "$states.input.list[price > 1].name ~> $map(function($one) { $one & 'a' }) ~> $filter(function($v) { $v.$length() > 1 })",
  ),
  'variables of the expression itself': output(
    '($a := $states.input.a; $f := function($x) { $x + $a }; $f(1))',
  ),
  'variables of outside, inside': map({ Assign: { b: '{% $a %}' } }, { Assign: { a: 1 } }),
  "a Map's item in its ItemSelector": map(
    {},
    { ItemSelector: { a: '{% $states.context.Map.Item.Value %}' } },
  ),
  'a result, and an error in a Catch': machine({
    Type: 'Task',
    Assign: { a: '{% $states.result.Payload %}' },
    Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Last', Assign: { b: '{% $states.errorOutput.Error %}' } }],
  }),
};

const violationsOf = (rule: Rule, definition: States): string[] => rule.check(definition);

describe.each(rules.map((rule) => [rule.name, rule] as const))('%s', (name, rule) => {
  it.each(machineNames)('holds in %s', (machineName) => {
    expect(violationsOf(rule, states.parse(golden(machineName)))).toEqual([]);
  });

  it('is reported if it is violated', () => {
    const defects = seeded[name] ?? [];

    expect(defects.map(([defect]) => violationsOf(rule, defect))).toEqual(
      defects.map(([, violation]) => [violation]),
    );
    expect(defects).not.toEqual([]);
  });

  it.each(Object.entries(allowed))('accepts %s', (_description, definition) => {
    expect(violationsOf(rule, definition)).toEqual([]);
  });
});
