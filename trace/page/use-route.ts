import { useCallback, useEffect, useState } from 'react';
import { type Route, readRoute, writeRoute } from './route.ts';

/** The route, and a function that changes it; `quietly` replaces the current entry of the browser's history. */
export function useRoute() {
  const [route, setRoute] = useState(() => readRoute(location.hash));
  useEffect(() => {
    const follow = () => setRoute(readRoute(location.hash));
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  const go = useCallback((to: Partial<Route>, quietly = false) => {
    const hash = writeRoute({ ...readRoute(location.hash), ...to });
    if (quietly) {
      history.replaceState(null, '', hash);
      setRoute(readRoute(hash));
    } else location.hash = hash;
  }, []);
  return { route, go };
}
