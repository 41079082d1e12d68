// What the bundle holds of others: name, version, licence and its text, of the packages that are really in it.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

function packageOf(input) {
  const at = input.lastIndexOf('node_modules/');
  if (at < 0) return null;
  const parts = input.slice(at + 'node_modules/'.length).split('/');
  const name = parts[0].startsWith('@') ? `${parts[0]}/${parts[1]}` : parts[0];
  return input.slice(0, at) + `node_modules/${name}`;
}

function notice(root, folder) {
  const dir = join(root, folder);
  const about = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'));
  const files = readdirSync(dir).filter((f) => /^(licen[cs]e|copying|notice)(\.|-|$)/i.test(f)).sort();
  const texts = files.map((f) => readFileSync(join(dir, f), 'utf8').replace(/\r\n/g, '\n').trim());
  if (!about.license || texts.length === 0) throw new Error(`${about.name}: no licence text, so it may not be bundled`);
  return { name: about.name, version: about.version, licence: about.license, text: texts.join('\n\n') };
}

// metafile: of esbuild; only inputs with bytes in an output count
export function thirdParty(root, metafile) {
  const folders = new Set();
  for (const output of Object.values(metafile.outputs))
    for (const [input, { bytesInOutput }] of Object.entries(output.inputs)) {
      const folder = bytesInOutput > 0 ? packageOf(input) : null;
      if (folder && existsSync(join(root, folder, 'package.json'))) folders.add(folder);
    }
  const all = [...folders].map((f) => notice(root, f)).sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const list = all.map((p) => `  ${p.name} ${p.version}, ${p.licence}`).join('\n');
  const rule = '-'.repeat(78);
  const texts = all.map((p) => `${rule}\n${p.name} ${p.version}, ${p.licence}\n\n${p.text}\n`).join('\n');
  return `The dashboard of Haward contains these packages:\n\n${list}\n\n${texts}`;
}
