import { expect, it } from '@jest/globals';
import { encryptionContext } from '../../contracts/encryption-context.ts';
import { INTAKE_CIPHERTEXT, PROVISIONING_ID, subject } from '../support/subject.ts';

it('contains user, provisioning and service, and no other field of the request', () => {
  expect(encryptionContext({ ...subject, ...{ intake_ciphertext: INTAKE_CIPHERTEXT } }, 'app2')).toEqual({
    provisioning_id: PROVISIONING_ID,
    username: 'alice',
    target: 'app2',
  });
});
