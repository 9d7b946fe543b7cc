import { clockInWords, clockState, SET_THE_CLOCK } from '../clock.ts';
import { type Finding, ok, unseen, warning, wrong } from './finding.ts';

/** Whether AWS takes signatures of this machine's time. */
export function clockFinding(ahead: number | undefined): Finding {
  if (ahead === undefined)
    return unseen('no answer of AWS said what time it is', 'Compare the clock of this machine yourself.');
  const compared = `the clock of this machine is ${clockInWords(ahead)}`;
  switch (clockState(ahead)) {
    case 'right':
      return ok("the clock of this machine agrees with AWS's");
    case 'off':
      return warning(`${compared}; AWS refuses signatures that are five minutes off`, SET_THE_CLOCK);
    case 'refused':
      return wrong(`${compared}: AWS refuses its signatures`, SET_THE_CLOCK);
  }
}
