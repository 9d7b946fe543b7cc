import type { Listing } from '../model.ts';
import { ToneIcon } from './icon.tsx';
import { count, type Tone } from './labels.ts';
import type { Route } from './route.ts';

interface Props {
  listing: Listing;
  go: (to: Partial<Route>) => void;
}

/** What has to be known first: what failed in the last hour, whether anything is left behind, what is running. */
export function Headline({ listing: { headline, unread, truncated }, go }: Props) {
  const { failed_last_hour, left_behind, running } = headline;
  return (
    <div className="headline">
      <div className="figures">
        <Figure
          tone={failed_last_hour > 0 ? 'bad' : 'good'}
          number={failed_last_hour}
          what="failed in the last hour"
          onClick={() => go({ id: undefined, step: undefined, show: 'failed', hours: 1, code: '', text: '' })}
        />
        <Figure
          tone={left_behind > 0 ? 'warn' : 'good'}
          number={left_behind}
          what="left behind"
          onClick={() => go({ id: undefined, step: undefined, show: 'left', code: '', text: '' })}
        />
        <Figure
          tone={running > 0 ? 'run' : 'idle'}
          number={running}
          what="running"
          onClick={() => go({ id: undefined, step: undefined, show: 'running', code: '', text: '' })}
        />
      </div>
      <p className="hidden" role="status">
        {`${count(failed_last_hour, 'provisioning')} failed in the last hour, ${left_behind} left behind, ${running} running.`}
      </p>
      {unread > 0 && (
        <p className="dim">
          {`${count(unread, 'provisioning')} still to be read: AWS allows few look-ups in a second.`}
        </p>
      )}
      {truncated && <p className="dim">There are more than are shown: choose a shorter time.</p>}
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
