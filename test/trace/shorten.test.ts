import { describe, expect, it } from '@jest/globals';
import { readable, shorten } from '../../trace/shorten.ts';

const ciphertext = 'QUJD'.repeat(50);

describe('what is shown of inputs and outputs', () => {
  it('has ciphertexts cut to their beginning, wherever they are', () => {
    const text = JSON.stringify(shorten({ intake_ciphertext: ciphertext, list: [{ inner: ciphertext }] }));
    expect(text).not.toContain(ciphertext);
    expect(text.split('(200 characters)')).toHaveLength(3);
  });

  it('has ids, names, sentences and numbers as they are', () => {
    const value = {
      provisioning_id: '6f1d2a54-0c0e-4f7e-9d55-000000000001',
      arn: 'arn:aws:lambda:eu-west-1:111111111111:function:app2-add-to-group',
      message: 'A sentence that is long, which people read to its end. '.repeat(5),
      number: 5,
      nothing: null,
    };
    expect(shorten(value)).toEqual(value);
  });

  it('is JSON where it is JSON, and text where it is not', () => {
    expect(readable('{"a":1}')).toEqual({ a: 1 });
    expect(readable('The execution was stopped.')).toBe('The execution was stopped.');
    expect(readable(undefined)).toBeUndefined();
  });
});
