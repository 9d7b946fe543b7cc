import { describe, expect, test } from '@jest/globals';
import { run } from './support/machines.ts';

/**
 * Most expressions only name a field, and the local AWS takes it from where it lies. In brackets it is JSONata that says
 * what it is.
 */
const definition = {
  StartAt: 'Assign',
  States: {
    Assign: { Type: 'Pass', Assign: { variable: '{% $states.input %}' }, Next: 'Take' },
    Take: {
      Type: 'Pass',
      Output: {
        field: '{% $states.input.a.b %}',
        field_by_jsonata: '{% ($states.input.a.b) %}',
        if_there: "{% $exists($states.input.a.b) ? $states.input.a.b : 'nothing' %}",
        if_there_by_jsonata: "{% ($exists($states.input.a.b) ? $states.input.a.b : 'nothing') %}",
        variable: '{% $variable.a.b %}',
        variable_by_jsonata: '{% ($variable.a.b) %}',
      },
      End: true,
    },
  },
};

describe('a field that an expression names', () => {
  test.each<[string, unknown]>([
    ['a text', 'text'],
    ['an empty text', ''],
    ['zero', 0],
    ['a whole number', -12],
    ['a number', 1.5],
    ['a number that is whole', 1e3],
    ['true', true],
    ['false', false],
    ['null', null],
    ['an object', { c: 1 }],
    ['a list of one', ['one']],
    ['a list', [1, 'two', null]],
  ])('has the same value as in JSONata: %s', async (_, value) => {
    const { status, output = '{}' } = await run(definition, { a: { b: value } });
    const taken = JSON.parse(output);

    expect(status).toBe('SUCCEEDED');
    expect(taken.field).toEqual(taken.field_by_jsonata);
    expect(taken.if_there).toEqual(taken.if_there_by_jsonata);
    expect(taken.if_there).toEqual(value);
    expect(taken.variable).toEqual(taken.variable_by_jsonata);
  });

  test('is read from each object of a list, as in JSONata', async () => {
    const { output } = await run(definition, { a: [{ b: 1 }, { b: 2 }] });

    expect(JSON.parse(output ?? '{}')).toMatchObject({ field: [1, 2], variable: [1, 2] });
  });

  test.each([
    ['in nothing', {}],
    ['in an object', { a: {} }],
    ['in a text', { a: 'text' }],
  ])('fails the state if it is missing, %s', async (_, input) => {
    const { status, error } = await run(definition, input);

    expect([status, error]).toEqual(['FAILED', 'States.QueryEvaluationError']);
  });

  test.each([
    ['in nothing', {}, 'nothing'],
    ['there', { a: { b: 'text' } }, 'text'],
    ['not what is asked for', { a: { c: 1 } }, 'nothing'],
  ])('has a default if it is missing: %s', async (_, input, expected) => {
    const States = {
      Take: {
        Type: 'Pass',
        Output: "{% $exists($states.input.a.b) ? $states.input.a.b : 'not' = 'there' ? 1 : 'nothing' %}",
        End: true,
      },
    };
    const { output } = await run({ StartAt: 'Take', States }, input);

    expect(JSON.parse(output ?? '')).toBe(expected);
  });
});
