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
import type { Sign, Tone } from './labels.ts';

const icons: Record<Tone, LucideIcon> = {
  idle: CircleDashed,
  run: LoaderCircle,
  good: CircleCheck,
  bad: CircleX,
  undo: Undo2,
  warn: TriangleAlert,
};

/** The icon of a tone; what it says, a word beside it says, too. */
export function ToneIcon({ tone, word, size = 18 }: Partial<Sign> & { tone: Tone; size?: number }) {
  const Icon = word === 'stopped' ? Ban : icons[tone];
  return <Icon aria-hidden="true" size={size} className={`icon icon-${tone}`} />;
}

/** A state as a word on its colour, with its icon. */
export function StateBadge({ tone, word }: Sign) {
  return (
    <span className={`badge tone-${tone}`}>
      <ToneIcon tone={tone} word={word} size={15} />
      {word}
    </span>
  );
}
