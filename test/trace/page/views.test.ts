import { describe, expect, it } from '@jest/globals';
import type { Execution } from '../../../trace/model.ts';
import { targetsOf } from '../../../trace/page/filter.ts';
import { failedStep, userAtTargetText, userText, waitText } from '../../../trace/page/labels.ts';
import { takenEdges } from '../../../trace/page/layout.ts';
import { atTarget, hasMapError, inlined, outsideMaps } from '../../../trace/page/views.ts';
import { createReader } from '../../../trace/reader.ts';
import { services } from '../support/fake-aws.ts';
import { usernamesFor } from '../support/filters.ts';
import { ids, NOW, scene } from '../support/scene.ts';
import { SEVERAL_NOW, severalIds, severalServices, severalTargets } from '../support/several-targets.ts';

const options = { environment: 'a test', callsPerSecond: Number.POSITIVE_INFINITY };
const several = createReader(severalTargets(), { ...options, services: severalServices }, () => SEVERAL_NOW);
const single = createReader(scene(), { ...options, services }, () => NOW);

async function app1Of(reader: typeof several, id: string): Promise<Execution> {
  const [execution] = (await reader.detail(id))?.executions ?? [];
  if (execution === undefined) throw new Error(`${id} has no execution.`);
  return execution;
}
const namesOf = (all: readonly { name: string }[]) => all.map(({ name }) => name);

describe('inlined', () => {
  it('has the states of the iterations in the place of their Map', async () => {
    const { graph, steps } = inlined(await app1Of(single, ids.carol));

    expect(namesOf(graph.nodes)).not.toContain('ProvisionTargets');
    expect(namesOf(steps)).toEqual([
      'PublishRequested',
      'Authenticate',
      'EncryptCredentials',
      'RequestUserCreation',
      'TargetFailed',
      'ChooseCompensation',
      'CancelUserCreation',
      'ChooseOutcome',
      'PublishProvisioningFailed',
      'ProvisioningFailed',
    ]);
  });

  it('has an edge for each pair of consecutive steps', async () => {
    const { graph, steps } = inlined(await app1Of(single, ids.carol));
    const edges = graph.edges.map(({ from, to }) => `${from}→${to}`);

    expect(edges).toEqual(expect.arrayContaining([...takenEdges(steps)]));
  });

  it('changes nothing in a state machine without a Map', async () => {
    const { executions = [] } = (await single.detail(ids.carol)) ?? {};
    const [, creation] = executions;
    if (creation === undefined) throw new Error('The creation is missing.');

    expect(inlined({ graph: creation.graph, steps: creation.steps })).toEqual({
      graph: creation.graph,
      steps: creation.steps,
    });
  });
});

describe('outsideMaps', () => {
  it('has the Maps without the states of their iterations', async () => {
    const { graph, steps } = outsideMaps(await app1Of(several, severalIds.hugo));

    expect(namesOf(steps)).toEqual([
      'PublishRequested',
      'ProvisionTargets',
      'CompensateTargets',
      'ChooseOutcome',
      'PublishProvisioningFailed',
      'ProvisioningFailed',
    ]);
    expect(namesOf(graph.nodes)).toEqual(expect.arrayContaining(namesOf(steps)));
    expect(namesOf(graph.nodes)).not.toContain('Authenticate');
  });
});

describe('atTarget', () => {
  it('has the steps of the iterations for the target', async () => {
    const view = atTarget(await app1Of(several, severalIds.hugo), 'orders');

    expect(view?.steps.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'Authenticate succeeded',
      'EncryptCredentials succeeded',
      'RequestUserCreation stopped',
      'ChooseCompensation succeeded',
      'CancelUserCreation succeeded',
    ]);
    expect(view?.graph.start).toBe('ProvisionTargets');
    expect(namesOf(view?.graph.nodes ?? [])).not.toContain('PublishRequested');
  });

  it('is undefined for a service that is not a target of the execution', async () => {
    expect(atTarget(await app1Of(several, severalIds.hugo), 'billing')).toBeUndefined();
  });
});

describe('hasMapError', () => {
  it('is true if an expression of the Map itself has failed', async () => {
    const { steps } = await app1Of(several, severalIds.hugo);
    const attempt = { started_at: '2026-01-02T09:50:00Z', status: 'failed' } as const;

    expect(hasMapError(steps)).toBe(false);
    expect(
      hasMapError(steps.map((one) => (one.type === 'Map' ? { ...one, attempts: [attempt] } : one))),
    ).toBe(true);
  });
});

describe('the labels of several targets', () => {
  const summaryOf = async (id: string) => {
    const found = await several.detail(id);
    if (found === undefined) throw new Error(`${id} does not exist.`);
    return found.summary;
  };

  it('name the target of a failure', async () => {
    const hugo = await summaryOf(severalIds.hugo);

    expect(hugo.failures.map((failure) => failedStep(failure, hugo))).toEqual([
      'RequestUserCreation at Payments',
      'AddToGroup',
    ]);
  });

  it('name no target of a provisioning with one target', async () => {
    const { failures, targets } = await summaryOf(severalIds.hugo);

    expect(failures.map((failure) => failedStep(failure, { targets: targets?.slice(0, 1) }))[0]).toBe(
      'RequestUserCreation',
    );
  });

  it('name the targets at which a user may be left', async () => {
    const iris = await summaryOf(severalIds.iris);

    expect(userText(iris)).toBe('a user may be left at Orders');
    expect(['app2', 'payments', 'orders'].map((name) => userAtTargetText(iris, name))).toEqual([
      'no user left',
      'no user left',
      'a user may be left',
    ]);
  });

  it('name each target that is waited for', async () => {
    const { executions = [], now = '' } = (await several.detail(severalIds.gina)) ?? {};

    expect(waitText(executions, now)).toMatch(
      /^RequestUserCreation at Payments, since \d\d:59:51: TargetUnavailable; CreateUser, since \d\d:59:51: ServiceThrottled$/,
    );
  });
});

describe('the filter by target', () => {
  it('returns the provisionings with the target', async () => {
    expect(await usernamesFor(several, { target: 'orders' })).toEqual(['gina', 'hugo', 'iris']);
    expect(await usernamesFor(several, { target: 'billing' })).toEqual([]);
  });

  it('returns among the failed ones those that failed at the target', async () => {
    expect(await usernamesFor(several, { show: 'failed', target: 'payments' })).toEqual(['hugo']);
    expect(await usernamesFor(several, { show: 'failed', target: 'orders' })).toEqual([]);
  });

  it('returns those with the code at the target', async () => {
    expect(await usernamesFor(several, { code: 'PASSWORD_REJECTED', target: 'app2' })).toEqual(['iris']);
    expect(await usernamesFor(several, { code: 'PASSWORD_REJECTED', target: 'payments' })).toEqual([]);
  });

  it('offers all targets, and the chosen one', async () => {
    const { provisionings } = await several.list(1);

    expect(targetsOf(provisionings, '')).toEqual(['app2', 'orders', 'payments']);
    expect(targetsOf(provisionings, 'billing')).toEqual(['app2', 'billing', 'orders', 'payments']);
  });
});
