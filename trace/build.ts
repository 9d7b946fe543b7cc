import { join } from 'node:path';
import { build } from 'esbuild';

/** The files of the page by their path in the URL. */
export type Assets = ReadonlyMap<string, { type: string; content: string | Uint8Array }>;

const folder = join(import.meta.dirname, 'page');

const html = `<!doctype html>
<html lang="en" data-mantine-color-scheme="light">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Provisionings</title>
    <link rel="icon" href="/icon.svg" type="image/svg+xml">
    <link rel="stylesheet" href="/main.css">
    <script type="module" src="/main.js"></script>
  </head>
  <body>
    <div id="page"></div>
    <noscript>This page needs JavaScript.</noscript>
  </body>
</html>
`;

const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#3b5bdb"/><g fill="none" stroke="#fff" stroke-width="2.5"><path d="M9 9v14M9 16h9a5 5 0 0 0 5-5V9"/></g><g fill="#fff"><circle cx="9" cy="9" r="3.5"/><circle cx="9" cy="23" r="3.5"/><circle cx="23" cy="9" r="3.5"/></g></svg>`;

/** Bundles the page in memory. */
export async function buildPage(): Promise<Assets> {
  const { outputFiles } = await build({
    entryPoints: [join(folder, 'main.tsx')],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    outdir: folder,
    write: false,
    legalComments: 'none',
    logLevel: 'silent',
  });
  const bundled = outputFiles.map(({ path, contents }) => {
    const type = path.endsWith('.css') ? 'text/css' : 'text/javascript';
    return [`/${path.slice(folder.length + 1)}`, { type, content: contents }] as const;
  });
  return new Map<string, { type: string; content: string | Uint8Array }>([
    ['/', { type: 'text/html', content: html }],
    ['/icon.svg', { type: 'image/svg+xml', content: icon }],
    ...bundled,
  ]);
}
