import './no-eval.ts';
import '@mantine/core/styles.css';
import '@xyflow/react/dist/style.css';
import './style.css';
import { MantineProvider } from '@mantine/core';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';

const page = document.getElementById('page');
if (page === null) throw new Error('The page has no element #page.');

// No style sheets at run time: the Content-Security-Policy blocks them.
createRoot(page).render(
  <MantineProvider defaultColorScheme="auto" withCssVariables={false} withGlobalClasses={false}>
    <App />
  </MantineProvider>,
);
