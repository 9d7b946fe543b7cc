import { ActionIcon, Alert, useMantineColorScheme } from '@mantine/core';
import { Moon, Sun, SunMoon, Unplug } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { detail, listing, type Trouble } from '../model.ts';
import { usePolled } from './data.ts';
import { DetailView } from './detail.tsx';
import { Headline } from './headline.tsx';
import { List, rowId } from './list.tsx';
import { useRoute } from './use-route.ts';

/** The page: the headline, the list, and the selected provisioning. */
export function App() {
  const { route, go } = useRoute();
  const { id, hours } = route;
  const list = usePolled(`/api/provisionings?hours=${hours}`, listing);
  const one = usePolled(id === undefined ? undefined : `/api/provisionings/${id}`, detail);
  const name = one.data?.summary.username ?? id;
  useEffect(() => {
    document.title = name === undefined ? 'Provisionings' : `${name} · Provisionings`;
  }, [name]);

  // Back in the list, the row of the provisioning has the focus.
  const before = useRef<string>(undefined);
  useEffect(() => {
    if (id === undefined && before.current !== undefined)
      document.getElementById(rowId(before.current))?.focus();
    before.current = id;
  }, [id]);

  return (
    <div className={id === undefined ? 'page' : 'page with-detail'}>
      <header className="top">
        <h1>
          <a className="brand" href="#/">
            <img src="/icon.svg" alt="" width="28" height="28" />
            Provisionings
          </a>
        </h1>
        <span className="environment">{list.data?.environment}</span>
        <ColorSchemeToggle />
      </header>
      <main>
        <section className="list-side" aria-label="All provisionings">
          {list.data !== undefined && <Headline listing={list.data} go={go} />}
          <TroubleAlert trouble={list.trouble} />
          <List listing={list.data} route={route} go={go} />
        </section>
        {id !== undefined && (
          <section className="detail-side" aria-label="One provisioning">
            <TroubleAlert trouble={one.trouble} />
            {one.data !== undefined && <DetailView key={id} detail={one.data} route={route} go={go} />}
            {one.data === undefined && one.trouble === undefined && <p className="dim">Reading …</p>}
          </section>
        )}
      </main>
    </div>
  );
}

function TroubleAlert({ trouble }: { trouble: Trouble | undefined }) {
  if (trouble === undefined) return null;
  return (
    <Alert
      className="trouble tone-bad"
      icon={<Unplug aria-hidden="true" />}
      title={trouble.message}
      role="alert"
    >
      {trouble.remedy}
    </Alert>
  );
}

const schemes = {
  auto: { next: 'light', word: 'as the system has them', Icon: SunMoon },
  light: { next: 'dark', word: 'light', Icon: Sun },
  dark: { next: 'auto', word: 'dark', Icon: Moon },
} as const;

function ColorSchemeToggle() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const { next, word, Icon } = schemes[colorScheme];
  const label = `Colours: ${word}. Change to ${schemes[next].word}.`;
  return (
    <ActionIcon
      variant="default"
      size="lg"
      className="toggle"
      aria-label={label}
      title={label}
      onClick={() => setColorScheme(next)}
    >
      <Icon aria-hidden="true" size={18} />
    </ActionIcon>
  );
}
