import { creationId } from '../../../contracts/fields.ts';
import { CREATION_ID_HEADER } from '../../../contracts/headers.ts';
import type { FieldError } from '../../../contracts/problems.ts';
import { readHeader } from '../../shared/api.ts';
import type { WithHeaders } from '../../shared/headers.ts';

/** Which generation of a provisioning a request is about (`Creation-Id`). */

/** The generation that the client names, if it names one; faults are added to `errors`. */
export const generationOf = (event: WithHeaders, errors: FieldError[]): string | undefined =>
  readHeader(creationId.optional(), event, CREATION_ID_HEADER, errors);

/** Whether what there is may be what the client means: it is of the generation that the client names, or it names none. */
export const isMeant = (
  asked: string | undefined,
  { creation_id }: { creation_id: string | undefined },
): boolean => asked === undefined || asked === creation_id;
