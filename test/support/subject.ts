/** The provisioning that the tests speak of, and what must never be seen of it. */
export const PROVISIONING_ID = '0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01';
export const OTHER_PROVISIONING_ID = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
export const TRACE_ID = '1-69259e40-a1b2c3d4e5f60718293a4b5c';
export const SUB = 'f1c2a3d4-0000-4000-8000-00000000abcd';
export const PASSWORD = 'C@nary-Passw0rd-9f3b';

export const subject = {
  provisioning_id: PROVISIONING_ID,
  username: 'alice',
  human_user_id: 'h-42',
};

/** Ciphertexts in base64, told apart by what they read as. */
export const SEALED = Buffer.from('canary-sealed-under-intake-key').toString('base64');
export const ENCRYPTED = Buffer.from('canary-sealed-under-app2-key').toString('base64');
