import { Megaphone } from 'lucide-react';
import { type CSSProperties, Fragment } from 'react';
import type { AuditEvent, Detail, Execution, Step } from '../model.ts';
import { ToneIcon } from './icon.tsx';
import { clockTime, duration, durationText, retriesText, serviceLabel, stepLabel } from './labels.ts';
import { marksOf, type Part, type TimeScale, timeScale } from './time-scale.ts';

interface Props {
  detail: Detail;
  chosen: string | undefined;
  choose: (step: string) => void;
}

/** Maximum number of marks on the line. */
const MARKS = 7;

/** Every step of every execution and every audit event on one timeline. */
export function Timeline({ detail: { executions, events, now }, chosen, choose }: Props) {
  const end = Date.parse(now);
  const times = (from: string, to: string | undefined) => ({
    from: Date.parse(from),
    to: to === undefined ? end : Date.parse(to),
  });
  const scale = timeScale([
    ...executions.map(({ started_at, stopped_at }) => times(started_at, stopped_at)),
    ...events.map(({ occurred_at }) => times(occurred_at, occurred_at)),
  ]);
  return (
    <section className="timeline" aria-labelledby="timeline-title">
      <h3 id="timeline-title">Timeline</h3>
      <Axis scale={scale} />
      {executions.map((execution) => (
        <div key={execution.id} className="lane">
          <h4>
            <span className="service">{serviceLabel(execution.service)}</span> {execution.state_machine}
          </h4>
          <ol>
            {entriesOf(execution, executions, events).map((entry) =>
              'event' in entry ? (
                <EventRow key={entry.event.id} event={entry.event} scale={scale} />
              ) : (
                <StepRow
                  key={entry.step.id}
                  step={entry.step}
                  scale={scale}
                  now={now}
                  chosen={chosen === `${execution.id}/${entry.step.id}`}
                  onClick={() => choose(`${execution.id}/${entry.step.id}`)}
                />
              ),
            )}
          </ol>
        </div>
      ))}
    </section>
  );
}

type Entry = { step: Step } | { event: AuditEvent };

/** Steps and events in the order of time. An event belongs to the execution of its service that was running then. */
function entriesOf(execution: Execution, all: readonly Execution[], events: readonly AuditEvent[]): Entry[] {
  const ownEvents = events.filter((event) => ownerOf(event, all)?.id === execution.id);
  const at = (entry: Entry) => ('event' in entry ? entry.event.occurred_at : entry.step.entered_at);
  // With one target, its steps stand in the place of their Map.
  const isMap = ({ type, attempts }: Step) => type === 'Map' && attempts.length === 0;
  const visible = execution.steps.some(({ target }) => target !== undefined)
    ? execution.steps
    : execution.steps.filter((step) => !isMap(step));
  return [...visible.map((step) => ({ step })), ...ownEvents.map((event) => ({ event }))].sort((a, b) =>
    at(a).localeCompare(at(b)),
  );
}

function ownerOf(event: AuditEvent, executions: readonly Execution[]): Execution | undefined {
  const ofService = executions.filter(({ service }) => service === event.service);
  const running = ofService.findLast(
    ({ started_at, stopped_at }) =>
      started_at <= event.occurred_at && (stopped_at === undefined || event.occurred_at <= stopped_at),
  );
  return running ?? ofService.findLast(({ started_at }) => started_at <= event.occurred_at) ?? ofService[0];
}

const percent = (share: number): string => `${(share * 100).toFixed(3)}%`;

/** Minimum distance of the axis labels from each other and from the end, as a share of the line. */
const ROOM = 0.1;

/** Whether a part has space for its time label. The first and the last part always have one. */
function hasRoom(parts: readonly Part[], index: number): boolean {
  const [before = -1, left = 0, next] = [index - 1, index, index + 1].map((at) => parts[at]?.left);
  if (index === 0 || next === undefined) return true;
  return next - left > 2 * ROOM && left - before > ROOM;
}

function Axis({ scale }: { scale: TimeScale }) {
  return (
    <div className="axis" aria-hidden="true">
      <div className="track">
        {scale.parts.map((part, index) => (
          <Fragment key={part.from}>
            {index > 0 && <span className="cut" style={{ left: percent(part.left) }} />}
            {hasRoom(scale.parts, index) && (
              <span
                className={part.left > 1 - ROOM ? 'mark start before' : 'mark start'}
                style={{ left: percent(part.left) }}
              >
                {clockTime(part.from)}
              </span>
            )}
            {marksOf(part, MARKS)
              .map((mark) => ({ mark, position: scale.at(part.from + mark) }))
              .filter(({ position }) => position - part.left > ROOM && part.right - position > ROOM / 2)
              .map(({ mark, position }) => (
                <span key={mark} className="mark" style={{ left: percent(position) }}>
                  {`+${duration(mark).replace('.0', '')}`}
                </span>
              ))}
          </Fragment>
        ))}
      </div>
    </div>
  );
}

/** Position and width of an interval on the line. */
function pieceOf(scale: TimeScale, from: string, to: string): CSSProperties {
  const left = scale.at(Date.parse(from));
  return { left: percent(left), width: percent(scale.at(Date.parse(to)) - left) };
}

interface StepRowProps {
  step: Step;
  scale: TimeScale;
  now: string;
  chosen: boolean;
  onClick: () => void;
}

function StepRow({ step, scale, now, chosen, onClick }: StepRowProps) {
  const label = stepLabel(step);
  const { name, entered_at, exited_at, attempts } = step;
  const took = durationText(entered_at, exited_at, now);
  const note = [attempts.length === 0 ? '' : took, retriesText(step)]
    .filter((part) => part !== '')
    .join(', ');
  return (
    <li>
      <button
        type="button"
        className={`line tone-${label.tone}${chosen ? ' chosen' : ''}`}
        aria-pressed={chosen}
        onClick={onClick}
      >
        <span className="line-name">
          <ToneIcon {...label} size={15} />
          <span className="line-text">
            {name}
            {step.target !== undefined && (
              <span className="line-target">{` at ${serviceLabel(step.target)}`}</span>
            )}
          </span>
          <span className="hidden">{`, ${label.text}`}</span>
        </span>
        <span className="line-note">{note}</span>
        <span className="track" aria-hidden="true">
          <span
            className={attempts.length === 0 ? 'attempt' : 'span'}
            style={pieceOf(scale, entered_at, exited_at ?? now)}
          />
          {attempts.map(({ started_at, ended_at, status }) => (
            <span
              key={started_at}
              className={`attempt attempt-${status}`}
              style={pieceOf(scale, started_at, ended_at ?? now)}
            />
          ))}
        </span>
      </button>
    </li>
  );
}

function EventRow({ event, scale }: { event: AuditEvent; scale: TimeScale }) {
  const { name, occurred_at, meaning, bad } = event;
  return (
    <li>
      <details className={`line-event ${bad ? 'tone-bad' : 'tone-run'}`}>
        <summary className="line">
          <span className="line-name">
            <Megaphone aria-hidden="true" size={15} className="icon" />
            <span className="line-text">{name}</span>
          </span>
          <span className="line-note">event</span>
          <span className="track" aria-hidden="true">
            <span className="moment" style={{ left: percent(scale.at(Date.parse(occurred_at))) }} />
          </span>
        </summary>
        <div className="event-text">
          {meaning !== undefined && <p>{meaning}</p>}
          <pre>{JSON.stringify(event.event, undefined, 2)}</pre>
        </div>
      </details>
    </li>
  );
}
