import { describe, expect, it } from '@jest/globals';
import { parseJsonText, shorten } from '../../trace/shorten.ts';

const ciphertext = 'QUJD'.repeat(50);

describe('shorten', () => {
  it('truncates ciphertexts at any depth', () => {
    const text = JSON.stringify(shorten({ intake_ciphertext: ciphertext, list: [{ inner: ciphertext }] }));
    expect(text).not.toContain(ciphertext);
    expect(text.split('(200 characters)')).toHaveLength(3);
  });

  it('keeps ids, names, sentences and numbers', () => {
    const value = {
      provisioning_id: '6f1d2a54-0c0e-4f7e-9d55-000000000001',
      arn: 'arn:aws:lambda:eu-west-1:111111111111:function:app2-add-to-group',
      message: 'A long sentence that people read to its end. '.repeat(5),
      number: 5,
      nothing: null,
    };
    expect(shorten(value)).toEqual(value);
  });

  it('parseJsonText parses JSON, and keeps other text', () => {
    expect(parseJsonText('{"a":1}')).toEqual({ a: 1 });
    expect(parseJsonText('The execution was stopped.')).toBe('The execution was stopped.');
    expect(parseJsonText(undefined)).toBeUndefined();
  });
});
