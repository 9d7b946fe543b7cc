import { describe, expect, it } from '@jest/globals';
import { golden, machineNames } from '../support/golden.ts';
import { type Rule, rules } from './rules/rules.ts';
import { type States, states } from './rules/states.ts';

/** A machine with one state that passes on; the seeded defects are put into it. */
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

/** For each rule what AWS refuses, and what is said of it. */
const seeded: Record<string, readonly [States, string][]> = {
  'names of states have at most 80 characters, and each is there once': [
    [machine({}, { ['ä'.repeat(81)]: { Type: 'Succeed' } }), `${'ä'.repeat(81)} is too long`],
    [
      machine({
        Type: 'Parallel',
        Branches: [{ StartAt: 'Last', States: { Last: { Type: 'Succeed' } } }],
      }),
      'Last is there twice',
    ],
  ],
  'names of variables are identifiers of at most 80 characters, and not `states`': [
    [machine({ Assign: { 'a-b': 1 } }), 'First assigns a-b, which is no name'],
    [machine({ Assign: { states: 1 } }), 'First assigns states, which is no name'],
    [
      machine({ Assign: { [`a${'b'.repeat(80)}`]: 1 } }),
      `First assigns a${'b'.repeat(80)}, which is no name`,
    ],
  ],
  'what runs inside a Map or Parallel sets no variable that is there outside of it': [
    [map({ Assign: { a: 1 } }, { Assign: { a: 2 } }), 'Inner assigns a, which is there outside'],
  ],
  'a variable that is read is one that is set in the same scope or outside of it': [
    [output('$a'), 'First.Output: $a is not known here'],
    [map({ Assign: { a: 1 } }, { Output: '{% $a %}' }), 'First.Output: $a is not known here'],
  ],
  'an expression fills its text from `{%` to `%}`, and is JSONata 2.0.6': [
    [machine({ Output: ' {% 1 %}' }), 'First.Output cannot be read'],
    [output('1 +'), 'First.Output cannot be read'],
  ],
  'functions are those that Step Functions has: no `$eval`, and its own six': [
    [output("$eval('1')"), 'First.Output: there is no $eval'],
    [output('$not($states.input.a ~> $sort() ~> $flatten())'), 'First.Output: there is no $flatten'],
  ],
  'an expression begins with no plain name, no `$` and no `$$`': [
    [output('name'), 'First.Output: name is of nothing'],
    [output('$.name'), 'First.Output: $ is of nothing'],
    [output('$count($$)'), 'First.Output: $$ is of nothing'],
  ],
  '`$states` has a result, an error, a Map and a task token only where there is one': [
    [output('$states.errorOutput.Error'), 'First.Output: $states.errorOutput is known in a Catch only'],
    [
      output('$states.result.a'),
      'First.Output: $states.result is known in Assign and Output of a Task, Parallel or Map only',
    ],
    [
      map({ Output: '{% $states.context.Map.Item.Value %}' }),
      'Inner.Output: $states.context.Map is known in an ItemSelector only',
    ],
    [
      machine({
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke',
        Arguments: '{% $states.context.Task.Token %}',
      }),
      'First.Arguments: $states.context.Task is known in Arguments of a task that waits for its token only',
    ],
    [output('$states.inputs'), 'First.Output: $states has no inputs'],
  ],
  '`States.ALL` stands alone and last': [
    [
      machine({ Type: 'Task', Catch: [{ ErrorEquals: ['States.ALL', 'Other'], Next: 'Last' }] }),
      'First.Catch has States.ALL beside or before others',
    ],
    [
      machine({ Type: 'Task', Retry: [{ ErrorEquals: ['States.ALL'] }, { ErrorEquals: ['Other'] }] }),
      'First.Retry has States.ALL beside or before others',
    ],
  ],
  'the history has at most 25,000 events when every retry is used up': [
    [machine({ Type: 'Task', Retry: [{ ErrorEquals: ['Other'], MaxAttempts: 9_000 }] }), '27009 events'],
    [machine({ Next: 'First' }), 'Infinity events'],
  ],
  'the definition has at most 1 MiB': [[machine({ Comment: 'x'.repeat(1_048_576) }), '1048781 bytes']],
};

/** What is allowed although it is like what is not. */
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

const found = (rule: Rule, of: States): string[] => rule.check(of);

describe.each(rules.map((rule) => [rule.name, rule] as const))('%s', (name, rule) => {
  it.each(machineNames)('in %s', (of) => {
    expect(found(rule, states.parse(golden(of)))).toEqual([]);
  });

  it('or it is said', () => {
    const defects = seeded[name] ?? [];

    expect(defects.map(([defect]) => found(rule, defect))).toEqual(defects.map(([, what]) => [what]));
    expect(defects).not.toEqual([]);
  });

  it.each(Object.entries(allowed))('and not of %s', (_what, of) => {
    expect(found(rule, of)).toEqual([]);
  });
});
