import { NativeSelect, TextInput } from '@mantine/core';
import { Search } from 'lucide-react';
import type { KeyboardEvent } from 'react';
import type { Listing, Summary } from '../model.ts';
import { codesOf, filtered, targetsOf } from './filter.ts';
import { StateBadge } from './icon.tsx';
import {
  count,
  duration,
  durationText,
  failedStep,
  hasPanes,
  leftBehindTexts,
  serviceLabel,
  summaryLabel,
  timeText,
  userText,
} from './labels.ts';
import { type Route, shows, writeRoute } from './route.ts';

const times = [
  { value: '0.25', label: 'Last 15 minutes' },
  { value: '1', label: 'Last hour' },
  { value: '24', label: 'Last 24 hours' },
  { value: '168', label: 'Last 7 days' },
  { value: '720', label: 'Last 30 days' },
];

interface Props {
  listing: Listing | undefined;
  route: Route;
  go: (to: Partial<Route>, quietly?: boolean) => void;
}

/** The provisionings, latest first, and their filters. */
export function List({ listing, route, go }: Props) {
  const all = listing?.provisionings ?? [];
  const provisionings = filtered(all, route);
  const codes = codesOf(all);
  const targets = targetsOf(all, route.target);
  const chosen = route.code === '' || codes.includes(route.code) ? codes : [route.code, ...codes];
  return (
    <>
      <search className="filters">
        <TextInput
          className="filter-text"
          aria-label="Username or id"
          placeholder="Username or id"
          leftSection={<Search aria-hidden="true" size={16} />}
          value={route.text}
          onChange={({ currentTarget }) => go({ text: currentTarget.value }, true)}
        />
        <NativeSelect
          aria-label="State"
          data={Object.entries(shows).map(([value, label]) => ({ value, label }))}
          value={route.show}
          onChange={({ currentTarget }) => go({ show: keyOf(shows, currentTarget.value) }, true)}
        />
        <NativeSelect
          aria-label="Period"
          data={times}
          value={String(route.hours)}
          onChange={({ currentTarget }) => go({ hours: Number(currentTarget.value) }, true)}
        />
        {targets.length > 1 && (
          <NativeSelect
            aria-label="Target"
            data={[
              { value: '', label: 'Every target' },
              ...targets.map((target) => ({ value: target, label: serviceLabel(target) })),
            ]}
            value={route.target}
            onChange={({ currentTarget }) => go({ target: currentTarget.value }, true)}
          />
        )}
        <NativeSelect
          aria-label="Code"
          data={[{ value: '', label: 'Every code' }, ...chosen.map((code) => ({ value: code, label: code }))]}
          value={route.code}
          onChange={({ currentTarget }) => go({ code: currentTarget.value }, true)}
        />
      </search>
      {listing === undefined ? (
        <p className="dim">Reading …</p>
      ) : (
        <>
          <p className="dim shown">{`${count(provisionings.length, 'provisioning')} of ${all.length} in this period`}</p>
          <ol className="rows" onKeyDown={moveFocus}>
            {provisionings.map((one) => (
              <Row key={one.provisioning_id} one={one} listing={listing} route={route} />
            ))}
          </ol>
        </>
      )}
    </>
  );
}

/** The value of a select as a key of its options. @throws Error for another value */
const keyOf = <Key extends string>(of: Record<Key, unknown>, value: string): Key => {
  const key = (Object.keys(of) as Key[]).find((one) => one === value); // the object's own keys
  if (key === undefined) throw new Error(`${value} is not an option.`);
  return key;
};

function Row({ one, listing, route }: { one: Summary; listing: Listing; route: Route }) {
  const { provisioning_id, username, failures, left_behind, roll_backs, started_at, stopped_at } = one;
  const selected = route.id === provisioning_id;
  return (
    <li>
      <a
        id={rowId(provisioning_id)}
        className="row"
        href={writeRoute({ ...route, id: provisioning_id, step: undefined })}
        {...(selected ? { 'aria-current': 'page' as const } : {})}
      >
        <StateBadge {...summaryLabel(one)} />
        <span className="identity">
          <strong>{username ?? '…'}</strong>
          <span className="id">{idText(one)}</span>
        </span>
        <span className="why">
          {failures.slice(0, 2).map((failure) => (
            <span key={`${failure.service} ${failedStep(failure, one)}`} className="cause">
              <code>{failure.code}</code>{' '}
              {`${serviceLabel(failure.service)}, ${failedStep(failure, one)}: ${failure.error}`}
            </span>
          ))}
        </span>
        <span
          className={
            left_behind === 'user' || left_behind === 'event' ? 'left-behind attention' : 'left-behind'
          }
        >
          {left_behind === 'event' ? leftBehindTexts[left_behind] : userText(one)}
          {roll_backs > 0 && `, ${count(roll_backs, 'roll-back')}`}
        </span>
        <span className="when">
          <time dateTime={started_at}>{timeText(started_at, listing.now)}</time>
          <span className="took">
            {stopped_at === undefined
              ? `for ${ago(started_at, listing.now)}`
              : durationText(started_at, stopped_at, listing.now)}
          </span>
        </span>
      </a>
    </li>
  );
}

/** The begin of the id, and the number of targets if there are several. */
const idText = (one: Summary): string =>
  [
    one.provisioning_id.slice(0, 8),
    ...(hasPanes(one) ? [count(one.targets?.length ?? 0, 'target')] : []),
  ].join(' · ');

/** Id of a provisioning's row in the document. */
export const rowId = (provisioningId: string): string => `row-${provisioningId}`;

/** A duration in whole seconds, because it changes with each poll. */
const ago = (from: string, now: string): string =>
  duration(Math.floor((Date.parse(now) - Date.parse(from)) / 1000) * 1000).replace('.0', '');

/** The arrow keys move the focus between rows. */
function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>('a.row')];
  const at = rows.findIndex((row) => row.matches(':focus'));
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
  if (to === undefined || at < 0) return;
  event.preventDefault();
  rows[to]?.focus();
}
