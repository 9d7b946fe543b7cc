import { randomUUID } from 'node:crypto';

/** The largest charge, in cents. */
const MAX_AMOUNT = 100_000;
const CURRENCIES = ['EUR', 'USD'];

/**
 * `POST /charges` `{amount, currency}`: a charge in cents. The authorizer of the API admits only service users that have signed
 * in, and passes their username.
 * @param {import('aws-lambda').APIGatewayProxyEvent} event
 * @returns {Promise<import('aws-lambda').APIGatewayProxyResult>} 201 with the charge, or 422 with the reason (RFC 9457)
 */
export async function handler({ body, requestContext }) {
  const { amount, currency } = read(body);
  if (!isAmount(amount)) return refusal(`amount must be a whole number of cents from 1 to ${MAX_AMOUNT}.`);
  if (!isCurrency(currency)) return refusal(`currency must be one of ${CURRENCIES.join(', ')}.`);
  const charge = { id: randomUUID(), amount, currency, created_by: requestContext.authorizer?.['username'] };
  return { statusCode: 201, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(charge) };
}

/**
 * The fields of a body. Another body than a JSON object has none.
 * @param {string | null} body
 * @returns {Record<string, unknown>}
 */
function read(body) {
  try {
    return Object(JSON.parse(body ?? ''));
  } catch {
    return {};
  }
}

/** @param {unknown} value @returns {value is number} */
const isAmount = (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_AMOUNT;

/** @param {unknown} value @returns {value is string} */
const isCurrency = (value) => CURRENCIES.some((currency) => currency === value);

/** @param {string} detail */
const refusal = (detail) => ({
  statusCode: 422,
  headers: { 'Content-Type': 'application/problem+json' },
  body: JSON.stringify({ title: 'The charge was refused.', status: 422, detail }),
});
