// Cloudflare's provider in workerd, its own runtime, with the KV store of local
// development: an actor's SQLite database on disk.
//
//   node workers_oauth_provider.mjs --port 8000 --store DIRECTORY

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { Miniflare } from 'miniflare';

const { values: options } = parseArgs({
  options: { port: { type: 'string' }, store: { type: 'string' } },
});
const here = import.meta.dirname;
const library = '@cloudflare/workers-oauth-provider';
const read = (...parts) => readFileSync(path.join(here, ...parts), 'utf8');

const miniflare = new Miniflare({
  host: '127.0.0.1',
  port: Number(options.port),
  // What requests seem to be addressed to: a resource has to be https.
  upstream: 'https://bench.example',
  compatibilityDate: '2026-07-01',
  modules: [
    { type: 'ESModule', path: 'worker.mjs', contents: read('workers_worker.mjs') },
    {
      type: 'ESModule',
      path: library,
      contents: read('node_modules', library, 'dist/oauth-provider.js'),
    },
  ],
  kvNamespaces: ['OAUTH_KV'],
  kvPersist: options.store,
});
await miniflare.ready;
process.stderr.write(`listening on http://127.0.0.1:${options.port}\n`);
