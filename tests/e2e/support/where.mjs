// Where things are. HAWARD_BIN names the program under test; HAWARD_E2E_OUT takes logs and screenshots.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
export const examples = path.join(root, 'haproxy-examples');
export const haward = process.env.HAWARD_BIN ?? path.join(root, 'build/release/haward');
export const haproxy = process.env.HAPROXY_BIN ?? 'haproxy';
export const out = process.env.HAWARD_E2E_OUT ?? path.join(root, 'build/e2e');

export function tempDir(t, name) {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), `haward-${name}-`));
	t?.after?.(() => fs.rmSync(dir, { recursive: true, force: true }));
	return dir;
}
