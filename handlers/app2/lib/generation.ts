import { creationId } from '../../../contracts/fields.ts';
import { CREATION_ID_HEADER } from '../../../contracts/headers.ts';
import type { FieldError } from '../../../contracts/problems.ts';
import { readHeader } from '../../shared/api.ts';
import type { WithHeaders } from '../../shared/headers.ts';

/** The generation of a request (`Creation-Id`), if it has one. Adds violations to `errors`. */
export const generationOf = (event: WithHeaders, errors: FieldError[]): string | undefined =>
  readHeader(creationId.optional(), event, CREATION_ID_HEADER, errors);

/** Whether a record or user is of the requested generation, or the request has none. */
export const isRequested = (
  requested: string | undefined,
  { creation_id }: { creation_id: string | undefined },
): boolean => requested === undefined || requested === creation_id;
