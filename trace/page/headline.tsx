import type { Listing } from '../model.ts';
import { ToneIcon } from './icon.tsx';
import { count, type Tone } from './labels.ts';
import type { Route } from './route.ts';

interface Props {
  listing: Listing;
  go: (to: Partial<Route>) => void;
}

/** The numbers of failures in the last hour, of provisionings with something left behind, and of running ones. */
export function Headline({ listing: { headline, unread, truncated }, go }: Props) {
  const { failed_last_hour, left_behind, running } = headline;
  return (
    <div className="headline">
      <div className="figures">
        <Figure
          tone={failed_last_hour > 0 ? 'bad' : 'good'}
          number={failed_last_hour}
          what="failed in the last hour"
          onClick={() =>
            go({ id: undefined, step: undefined, show: 'failed', hours: 1, code: '', target: '', text: '' })
          }
        />
        <Figure
          tone={left_behind > 0 ? 'warn' : 'good'}
          number={left_behind}
          what="left behind"
          onClick={() =>
            go({ id: undefined, step: undefined, show: 'left_behind', code: '', target: '', text: '' })
          }
        />
        <Figure
          tone={running > 0 ? 'run' : 'idle'}
          number={running}
          what="running"
          onClick={() =>
            go({ id: undefined, step: undefined, show: 'running', code: '', target: '', text: '' })
          }
        />
      </div>
      <p className="hidden" role="status">
        {`${count(failed_last_hour, 'provisioning')} failed in the last hour, ${left_behind} left behind, ${running} running.`}
      </p>
      {unread > 0 && (
        <p className="dim">
          {`${count(unread, 'provisioning')} still to be read: AWS limits the calls per second.`}
        </p>
      )}
      {truncated && <p className="dim">The list is incomplete: choose a shorter period.</p>}
    </div>
  );
}

function Figure(props: { tone: Tone; number: number; what: string; onClick: () => void }) {
  const { tone, number, what, onClick } = props;
  return (
    <button type="button" className={`figure tone-${tone}`} onClick={onClick}>
      <ToneIcon tone={tone} size={22} />
      <span className="number">{number}</span>
      <span className="what">{what}</span>
    </button>
  );
}
