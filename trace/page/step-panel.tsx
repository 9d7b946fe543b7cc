import { ActionIcon, Button } from '@mantine/core';
import { ChevronLeft, ChevronRight, X } from 'lucide-react';
import { type KeyboardEvent, useEffect, useRef } from 'react';
import type { Attempt, Execution, Step } from '../model.ts';
import { StateBadge } from './icon.tsx';
import { atTargetLabel, clockTime, durationText, stepLabel } from './labels.ts';

interface Neighbour {
  key: string;
  name: string;
}

interface Props {
  execution: Execution;
  step: Step;
  now: string;
  close: () => void;
  next: Neighbour | undefined;
  previous: Neighbour | undefined;
  show: (step: string) => void;
}

/** All details of a step. The panel has the focus when it opens; Escape closes it. */
export function StepPanel({ execution, step, now, close, next, previous, show }: Props) {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus(), []);
  const leave = ({ key }: KeyboardEvent) => {
    if (key === 'Escape') close();
  };
  const { name, type, entered_at, exited_at, attempts, input, output, assigned } = step;
  const last = attempts.at(-1);
  return (
    <aside className="panel" aria-labelledby="panel-title" onKeyDown={leave}>
      <header>
        <div>
          <p className="dim">
            {atTargetLabel(execution.service, step.target)}, {execution.state_machine}
          </p>
          <h3 id="panel-title" ref={title} tabIndex={-1}>
            {name}
          </h3>
        </div>
        <ActionIcon variant="default" size="lg" aria-label="Close" onClick={close}>
          <X aria-hidden="true" size={18} />
        </ActionIcon>
      </header>
      <div className="panel-state">
        <StateBadge {...stepLabel(step)} />
        <span className="dim">
          {type}, from {clockTime(entered_at)}, {durationText(entered_at, exited_at, now)}
        </span>
      </div>
      {last?.failure !== undefined && step.status !== 'succeeded' && (
        <div className="remedy tone-bad">
          <p>
            <code>{last.failure.code}</code> {last.failure.message}
          </p>
          <p>
            <strong>What to do:</strong> {last.failure.remedy}
          </p>
        </div>
      )}
      {attempts.length > 0 && (
        <section>
          <h4>Attempts</h4>
          <ol className="attempts">
            {attempts.map((attempt) => (
              <AttemptItem key={attempt.started_at} attempt={attempt} now={now} />
            ))}
          </ol>
        </section>
      )}
      <Json title="Input" value={input} />
      <Json title="Output" value={output} />
      <Json title="Assigned variables" value={Object.keys(assigned).length === 0 ? undefined : assigned} />
      <nav aria-label="Steps">
        <Neighbouring to={previous} show={show} side="before" />
        <Neighbouring to={next} show={show} side="after" />
      </nav>
    </aside>
  );
}

const attemptSigns = {
  running: { tone: 'run', text: 'running' },
  succeeded: { tone: 'good', text: 'done' },
  failed: { tone: 'bad', text: 'failed' },
  timed_out: { tone: 'bad', text: 'timed out' },
  stopped: { tone: 'warn', text: 'stopped' },
} as const;

function AttemptItem({ attempt, now }: { attempt: Attempt; now: string }) {
  const { started_at, ended_at, status, error, cause } = attempt;
  return (
    <li>
      <StateBadge {...attemptSigns[status]} />
      <span className="dim">
        {clockTime(started_at)}, {durationText(started_at, ended_at, now)}
      </span>
      {error !== undefined && <code className="error">{error}</code>}
      {cause !== undefined && <Text label={`Cause of ${error}`} value={cause} />}
    </li>
  );
}

function Json({ title, value }: { title: string; value: unknown }) {
  if (value === undefined) return null;
  return (
    <section>
      <h4>{title}</h4>
      <Text label={title} value={value} />
    </section>
  );
}

/** JSON as text. It can be scrolled, so it can have the focus. */
function Text({ label, value }: { label: string; value: unknown }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable element must be reachable with the keyboard
    <section className="json" tabIndex={0} aria-label={label}>
      <pre>{typeof value === 'string' ? value : JSON.stringify(value, undefined, 2)}</pre>
    </section>
  );
}

function Neighbouring(props: { to: Neighbour | undefined; show: Props['show']; side: 'before' | 'after' }) {
  const { to, show, side } = props;
  if (to === undefined) return <span />;
  const icon = side === 'before' ? <ChevronLeft size={16} /> : <ChevronRight size={16} />;
  return (
    <Button
      variant="default"
      size="xs"
      onClick={() => show(to.key)}
      {...(side === 'before' ? { leftSection: icon } : { rightSection: icon })}
      aria-label={`Step ${side}: ${to.name}`}
    >
      {to.name}
    </Button>
  );
}
