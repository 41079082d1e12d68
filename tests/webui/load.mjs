// The dashboard's own modules, as the build would bundle them, for tests in Node. HAWARD_WEBUI_PACKAGES names a folder
// in which `npm ci` of webui/ has run; the sources are always those of the tree.
import { createRequire } from 'node:module';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const webui = path.join(root, 'webui');
export const packages = path.resolve(process.env.HAWARD_WEBUI_PACKAGES ?? webui);
export const require = createRequire(path.join(packages, 'package.json'));

export function scratch(name) {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), `haward-${name}-`));
	process.once('exit', () => fs.rmSync(dir, { recursive: true, force: true }));
	return dir;
}

// lib: a module of webui/src/lib by name
export async function load(lib) {
	const file = path.join(scratch('webui'), `${lib}.mjs`);
	await require('esbuild').build({
		entryPoints: [path.join(webui, 'src/lib', `${lib}.ts`)], outfile: file,
		bundle: true, format: 'esm', platform: 'neutral', target: ['node18'], logLevel: 'error',
	});
	return import(pathToFileURL(file).href);
}
