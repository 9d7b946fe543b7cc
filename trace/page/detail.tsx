import { Alert, CopyButton, UnstyledButton } from '@mantine/core';
import { ArrowLeft, Check, Copy, LifeBuoy } from 'lucide-react';
import { type ComponentProps, useCallback, useEffect, useRef } from 'react';
import type { Detail, Execution, Step, Summary } from '../model.ts';
import { StateBadge } from './icon.tsx';
import {
  count,
  durationText,
  executionLabel,
  failedStep,
  hasPanes,
  leftAtText,
  leftBehindTexts,
  retriesText,
  serviceLabel,
  stepLabel,
  stepName,
  summaryLabel,
  timeText,
  userAtTargetText,
  userText,
  waitText,
} from './labels.ts';
import { type Route, writeRoute } from './route.ts';
import { StateMachineView } from './state-machine.tsx';
import { StepPanel } from './step-panel.tsx';
import { Timeline } from './timeline.tsx';
import { atTarget } from './views.ts';

interface Props {
  detail: Detail;
  route: Route;
  go: (to: Partial<Route>) => void;
}

export const stepKey = (execution: Pick<Execution, 'id'>, step: Pick<Step, 'id'>): string =>
  `${execution.id}/${step.id}`;

/** One provisioning: its summary, its state machines side by side, its timeline, and the selected step. */
export function DetailView({ detail, route, go }: Props) {
  const { summary, executions, now } = detail;
  const opener = useRef<Element>(null);
  const all = executions.flatMap((execution) => execution.steps.map((step) => ({ execution, step })));
  const at = all.findIndex(({ execution, step }) => stepKey(execution, step) === route.step);
  const chosen = all[at];
  const choose = useCallback(
    (step: string | undefined) => {
      opener.current = document.activeElement;
      go({ step });
    },
    [go],
  );
  const close = () => {
    go({ step: undefined });
    // Back to the element that opened the panel.
    if (opener.current instanceof HTMLElement) opener.current.focus();
  };
  const panes = hasPanes(summary) ? (summary.targets ?? []).map(({ target }) => target) : [];
  const shared = { now, chosen: route.step, choose, hasPanes: panes.length > 0 };
  const columns = columnsOf(executions.filter(({ service }) => !panes.includes(service)));

  return (
    <div className={chosen === undefined ? 'detail' : 'detail with-panel'}>
      <div className="detail-main">
        <Heading summary={summary} waits={waitText(executions, now)} now={now} route={route} />
        <Findings summary={summary} />
        <div className="state-machines">
          {columns.map((column) => (
            <div key={column[0]?.id} className="state-machine-column">
              {column.map((execution) => (
                <StateMachineView key={execution.id} execution={execution} {...shared} />
              ))}
            </div>
          ))}
        </div>
        {panes.length > 0 && (
          <div className="panes">
            {panes.map((target) => (
              <Pane key={target} target={target} summary={summary} executions={executions} shared={shared} />
            ))}
          </div>
        )}
        <Timeline detail={detail} chosen={route.step} choose={choose} />
        <p className="hidden" role="status">
          {statusText(executions)}
        </p>
      </div>
      {chosen !== undefined && (
        <StepPanel
          key={route.step}
          execution={chosen.execution}
          step={chosen.step}
          now={now}
          close={close}
          next={neighbour(all[at + 1])}
          previous={neighbour(all[at - 1])}
          show={(step) => go({ step })}
        />
      )}
    </div>
  );
}

/** The executions of each service below each other. */
const columnsOf = (executions: readonly Execution[]): Execution[][] =>
  [...new Set(executions.map(({ service }) => service))].map((service) =>
    executions.filter((execution) => execution.service === service),
  );

interface PaneProps {
  target: string;
  summary: Summary;
  executions: readonly Execution[];
  shared: Omit<ComponentProps<typeof StateMachineView>, 'execution' | 'target'>;
}

/** One target: the iterations of App1 for it, and its own executions. */
function Pane({ target, summary, executions, shared }: PaneProps) {
  const parts = executions.filter(
    (execution) => execution.service === target || atTarget(execution, target) !== undefined,
  );
  return (
    <section className="pane" aria-label={serviceLabel(target)}>
      <header>
        <h3>{serviceLabel(target)}</h3>
        <span className="dim">{userAtTargetText(summary, target)}</span>
      </header>
      {parts.map((execution) => (
        <StateMachineView key={execution.id} execution={execution} target={target} {...shared} />
      ))}
      {parts.length === 0 && <p className="dim">No step for this target yet.</p>}
    </section>
  );
}

const neighbour = (one: { execution: Execution; step: Step } | undefined) =>
  one === undefined ? undefined : { key: stepKey(one.execution, one.step), name: stepName(one.step) };

/** The text of the status for screen readers: the state of each execution and its latest step. */
const statusText = (executions: readonly Execution[]): string =>
  executions
    .map((execution) => {
      const step = execution.steps.at(-1);
      const latest =
        step === undefined
          ? ''
          : `, ${stepName(step)} ${stepLabel(step).text} ${retriesText(step)}`.trimEnd();
      return `${execution.state_machine} ${executionLabel(execution).text}${latest}.`;
    })
    .join(' ');

interface HeadingProps {
  summary: Summary;
  /** What it waits for, if a step is retried. */
  waits: string | undefined;
  now: string;
  route: Route;
}

function Heading({ summary, waits, now, route }: HeadingProps) {
  const { provisioning_id, username, human_user_id, started_at, stopped_at, left_behind, roll_backs } =
    summary;
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus(), []);
  return (
    <div className="heading">
      <a className="back" href={writeRoute({ ...route, id: undefined, step: undefined })}>
        <ArrowLeft aria-hidden="true" size={16} /> All provisionings
      </a>
      <div className="title">
        <h2 ref={title} tabIndex={-1}>
          {username ?? provisioning_id}
        </h2>
        <StateBadge {...summaryLabel(summary)} />
      </div>
      <dl className="properties">
        <Fact name="provisioning_id">
          <code>{provisioning_id}</code>
          <CopyButton value={provisioning_id}>
            {({ copied, copy }) => (
              <UnstyledButton className="copy" onClick={copy} aria-label={copied ? 'Copied' : 'Copy the id'}>
                {copied ? <Check aria-hidden="true" size={14} /> : <Copy aria-hidden="true" size={14} />}
              </UnstyledButton>
            )}
          </CopyButton>
        </Fact>
        {human_user_id !== undefined && <Fact name="for">{human_user_id}</Fact>}
        <Fact name="started">{timeText(started_at, now)}</Fact>
        <Fact name={stopped_at === undefined ? 'running for' : 'duration'}>
          {durationText(started_at, stopped_at, now)}
        </Fact>
        {waits !== undefined && <Fact name="waiting in">{waits}</Fact>}
        <Fact name="user">{userText(summary)}</Fact>
        <Fact name="left behind">
          {left_behind === 'nothing' ? 'nothing' : leftBehindTexts[left_behind]}
          {left_behind === 'user' && leftAtText(summary)}
        </Fact>
        {roll_backs > 0 && <Fact name="rolled back by">{count(roll_backs, 'execution')}</Fact>}
      </dl>
    </div>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** The failures and the remedies. */
function Findings({ summary }: { summary: Summary }) {
  const { failures, remedies, left_behind } = summary;
  if (failures.length === 0 && remedies.length === 0) return null;
  const tone = left_behind === 'user' || left_behind === 'event' ? 'tone-warn' : 'tone-bad';
  return (
    <Alert className={`findings ${tone}`} icon={<LifeBuoy aria-hidden="true" />} title="Cause and remedy">
      <div className="findings-columns">
        <ul>
          {failures.map((failure) => {
            const { service, code, error, message } = failure;
            const step = failedStep(failure, summary);
            return (
              <li key={`${service} ${step}`}>
                <code>{code}</code> at {serviceLabel(service)}, step <strong>{step}</strong> ({error}).{' '}
                {message}
              </li>
            );
          })}
        </ul>
        <ol>
          {remedies.map((remedy) => (
            <li key={remedy}>{remedy}</li>
          ))}
        </ol>
      </div>
    </Alert>
  );
}
