/**
 * The migration flag as AppConfig keeps it, before anybody is sent to the workflow. AppConfig holds later versions against
 * the constraints.
 */
export const firstFlag = {
  version: '1',
  flags: {
    'use-workflow': {
      name: 'use-workflow',
      description: 'Who has service users made by the workflow instead of by the legacy endpoint',
      attributes: {
        percentage: { constraints: { type: 'number', required: true, minimum: 0, maximum: 100 } },
        allow_list: { constraints: { type: 'array', required: true, elements: { type: 'string' } } },
      },
    },
  },
  values: { 'use-workflow': { enabled: true, percentage: 0, allow_list: [] } },
};
