// build.mjs [OUT] - bundles src/ into OUT (dist): hashed names, index.html, the notices of what is bundled, gzip and
// brotli beside each file.
// Same input, same bytes: no times, sorted lists, and only fs, path and zlib of Node 18. (Between builds of Node the
// gzip form may differ: each has a zlib of its own.)
import { build } from 'esbuild';
import { readFileSync, writeFileSync, rmSync, mkdirSync, readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync, constants } from 'node:zlib';
import { thirdParty } from './notices.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2] ?? join(here, 'dist'));
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const result = await build({
  absWorkingDir: here,
  entryPoints: { app: 'src/main.tsx' },
  bundle: true,
  splitting: true,
  format: 'esm',
  target: ['es2022'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  minify: true,
  charset: 'utf8',
  legalComments: 'none', // all of them are in THIRD-PARTY.txt
  metafile: true,
  outdir: join(out, 'assets'),
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  assetNames: '[name]-[hash]',
  logLevel: 'warning',
});

const entry = Object.entries(result.metafile.outputs).find(([, o]) => o.entryPoint === 'src/main.tsx');
const script = basename(entry[0]);
const style = basename(entry[1].cssBundle);
// What the first page needs, all at once instead of one after the other.
const preload = entry[1].imports
  .filter((i) => i.kind === 'import-statement')
  .map((i) => `<link rel="modulepreload" href="/assets/${basename(i.path)}">`)
  .sort();
const html = readFileSync(join(here, 'src/index.html'), 'utf8')
  .replace('{{script}}', `/assets/${script}`)
  .replace('{{style}}', `/assets/${style}`)
  .replace('{{preload}}', preload.join('\n    '));
writeFileSync(join(out, 'index.html'), html);
writeFileSync(join(out, 'THIRD-PARTY.txt'), thirdParty(here, result.metafile));
writeFileSync(join(out, 'favicon.svg'), readFileSync(join(here, 'src/favicon.svg')));

function files(dir) {
  return readdirSync(dir, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((e) => (e.isDirectory() ? files(join(dir, e.name)) : [join(dir, e.name)]));
}

let raw = 0;
let packed = 0;
for (const file of files(out)) {
  const bytes = readFileSync(file);
  const br = brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });
  const gz = gzipSync(bytes, { level: 9 });
  gz[9] = 255; // "unknown" operating system, whichever built it
  writeFileSync(`${file}.gz`, gz);
  writeFileSync(`${file}.br`, br);
  raw += bytes.length;
  packed += br.length;
}
console.log(`${out}: ${(raw / 1024).toFixed(0)} KiB, ${(packed / 1024).toFixed(0)} KiB in brotli`);
