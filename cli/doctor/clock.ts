import { CLOCK_REMEDY, clockState, formatClockOffset } from '../clock.ts';
import { type Finding, failed, ok, unchecked, warning } from './finding.ts';

/** Whether AWS accepts signatures with the time of this machine. */
export function clockFinding(offset: number | undefined): Finding {
  if (offset === undefined)
    return unchecked('no response of AWS contained its time', 'Compare the clock of this machine yourself.');
  const compared = `the clock of this machine is ${formatClockOffset(offset)}`;
  switch (clockState(offset)) {
    case 'accurate':
      return ok("the clock of this machine agrees with AWS's");
    case 'off':
      return warning(`${compared}; AWS rejects signatures that are five minutes off`, CLOCK_REMEDY);
    case 'rejected':
      return failed(`${compared}: AWS rejects its signatures`, CLOCK_REMEDY);
  }
}
