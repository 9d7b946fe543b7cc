/**
 * The first version of the migration flag in AppConfig: no caller is routed to the workflow. AppConfig validates later
 * versions against the constraints.
 */
export const firstFlag = {
  version: '1',
  flags: {
    'use-workflow': {
      name: 'use-workflow',
      description: 'Callers that are routed to the workflow instead of the legacy endpoint',
      attributes: {
        percentage: { constraints: { type: 'number', required: true, minimum: 0, maximum: 100 } },
        allow_list: { constraints: { type: 'array', required: true, elements: { type: 'string' } } },
      },
    },
  },
  values: { 'use-workflow': { enabled: true, percentage: 0, allow_list: [] } },
};
