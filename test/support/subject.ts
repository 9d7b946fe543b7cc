/** The provisioning of the tests, and its secrets. */
export const PROVISIONING_ID = '0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01';
export const OTHER_PROVISIONING_ID = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
/** Its generation, and another one of the same provisioning. */
export const CREATION_ID = '6f0b7c52-3c1e-4d0a-8a55-0f6f3f2c9b11';
export const OTHER_CREATION_ID = 'b3d8a1c4-55f0-4e0b-9c7e-2f1a6d4e8c22';
/** One generation of a provisioning. */
export const GENERATION = { provisioning_id: PROVISIONING_ID, creation_id: CREATION_ID };
/** Name of its roll-backs without the number of the attempt. */
export const ROLL_BACK = `${PROVISIONING_ID}.${CREATION_ID}`;
export const TRACE_ID = '1-69259e40-a1b2c3d4e5f60718293a4b5c';
export const SUB = 'f1c2a3d4-0000-4000-8000-00000000abcd';
export const PASSWORD = 'C@nary-Passw0rd-9f3b';

/** The subject in a status. */
export const subjectInStatus = {
  provisioning_id: PROVISIONING_ID,
  username: 'alice',
  human_user_id: 'h-42',
};
export const subject = { ...subjectInStatus, creation_id: CREATION_ID };

/** Outcome of an execution in the input of its roll-back. */
export const stood = { had_succeeded: true, failure: { step: 'Execution', error: 'Cancelled' } };

/** Ciphertexts in base64 with different contents. */
export const INTAKE_CIPHERTEXT = Buffer.from('canary-sealed-under-intake-key').toString('base64');
export const ENCRYPTED = Buffer.from('canary-sealed-under-app2-key').toString('base64');
