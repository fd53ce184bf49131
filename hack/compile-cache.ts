import { access } from 'node:fs/promises';
import { enableCompileCache, flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Fills the compile cache of an image: loads what each role loads, and starts none.
 * Usage: node compile-cache.ts FOLDER, where the code lies.
 */

const [, , root = '.'] = process.argv;

const ENTRIES = [
  'dataplane/options.ts',
  'dataplane/start-failure.ts',
  'dataplane/node-server.ts',
  'dataplane/router-server.ts',
  'dataplane/kubernetes-router-server.ts',
  'dataplane/embedded.ts',
  'dataplane/access/request-signer.ts',
  'dax/options.ts',
  'dax/start-failure.ts',
  'dax/heap.ts',
  'dax/node.ts',
  'operator/operator.ts',
  'operator/options.ts',
  'operator/metrics.ts',
  'operator/leader-election.ts',
];

enableCompileCache(join(root, 'node_modules/.cache/trestle'));
for (const entry of ENTRIES) {
  const file = join(root, entry);
  await access(file);
  await import(pathToFileURL(file).href);
}
flushCompileCache();
process.exit(0);
