import {
  Ban,
  CircleCheck,
  CircleDashed,
  CircleX,
  LoaderCircle,
  type LucideIcon,
  TriangleAlert,
  Undo2,
} from 'lucide-react';
import type { StateLabel, Tone } from './labels.ts';

const icons: Record<Tone, LucideIcon> = {
  idle: CircleDashed,
  run: LoaderCircle,
  good: CircleCheck,
  bad: CircleX,
  compensation: Undo2,
  warn: TriangleAlert,
};

/** The icon of a tone. A text beside it has the same meaning. */
export function ToneIcon({ tone, text, size = 18 }: Partial<StateLabel> & { tone: Tone; size?: number }) {
  const Icon = text === 'stopped' ? Ban : icons[tone];
  return <Icon aria-hidden="true" size={size} className={`icon icon-${tone}`} />;
}

/** A state as a text on its colour, with its icon. */
export function StateBadge({ tone, text }: StateLabel) {
  return (
    <span className={`badge tone-${tone}`}>
      <ToneIcon tone={tone} text={text} size={15} />
      {text}
    </span>
  );
}
