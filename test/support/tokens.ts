import { createHmac, createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';

/** A key of a user pool: signs tokens, and is published under its `kid`. */
export function signingKey(kid: string) {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    kid,
    privateKey,
    publicKey,
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' },
  };
}

const part = (json: object) => Buffer.from(JSON.stringify(json)).toString('base64url');

/** A token with a valid RS256 signature, with any header and claims. */
export function rs256(privateKey: KeyObject, header: object, claims: object): string {
  const signed = `${part(header)}.${part(claims)}`;
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(privateKey, 'base64url')}`;
}

/** A token that is signed with the public key as a shared secret (algorithm confusion). */
export function hs256(publicKey: KeyObject, header: object, claims: object): string {
  const signed = `${part(header)}.${part(claims)}`;
  const secret = publicKey.export({ format: 'pem', type: 'spki' });
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/** A token with the algorithm `none`. */
export const unsigned = (claims: object): string =>
  `${part({ alg: 'none', kid: 'key-1' })}.${part(claims)}.bm9uZQ`;

/** The token with other claims and the old signature. */
export function altered(token: string, claims: object): string {
  const [header, , signature] = token.split('.');
  return `${header}.${part(claims)}.${signature}`;
}
