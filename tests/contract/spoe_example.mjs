// The example of schema/spoe.md is a configuration that HAProxy takes without a word.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const page = fs.readFileSync(path.join(root, 'schema/spoe.md'), 'utf8');
const block = (name) => page.match(new RegExp(`^\`\`\`${name.replace('.', '\\.')}\\n([^]*?)^\`\`\`$`, 'm'))[1];

test('HAProxy takes the example, and would not take another', (t) => {
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'haward-spoe-'));
	t.after(() => fs.rmSync(folder, { recursive: true }));
	const check = (spoe) => {
		fs.writeFileSync(path.join(folder, 'spoe.cfg'), spoe);
		fs.writeFileSync(path.join(folder, 'haproxy.cfg'), block('haproxy.cfg'));
		return spawnSync(process.env.HAPROXY_BIN, ['-c', '-f', 'haproxy.cfg'], { cwd: folder, encoding: 'utf8', timeout: 30000 });
	};
	const taken = check(block('spoe.cfg'));
	assert.equal(taken.status, 0, taken.stderr);
	assert.doesNotMatch(taken.stdout + taken.stderr, /WARNING|ALERT/);
	assert.notEqual(check(block('spoe.cfg').replace('method=method', 'method=methd')).status, 0);
});
