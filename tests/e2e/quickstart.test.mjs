// The commands that people try first, on free ports: they prove themselves, start and stop, leave nothing behind.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { request } from './support/http.mjs';
import { freePorts } from './support/ports.mjs';
import { run, start } from './support/proc.mjs';
import { eventually } from './support/wait.mjs';
import { examples, haward, out, tempDir } from './support/where.mjs';

async function surroundings(t) {
	const [edge, strict, spop, accounting, service, admin] = (await freePorts(6)).map((port) => `127.0.0.1:${port}`);
	return {
		HAWARD_BIN: haward, HAWARD_EDGE: edge, HAWARD_MTLS: edge, HAWARD_MTLS_STRICT: strict,
		HAWARD_SPOP: spop, HAWARD_ACCOUNTING: accounting, HAWARD_SERVICE: service, HAWARD_ADMIN: admin, TMPDIR: tempDir(t, 'run'),
	};
}

const script = path.join(examples, 'quickstart/run.sh');

test('run.sh --check proves itself', async (t) => {
	const env = await surroundings(t);
	const found = await run(script, ['--check'], { env, timeout: 120000 });
	assert.equal(found.code, 0, found.stdout + found.stderr);
	assert.match(found.stdout, /allowed: HTTP 200/);
	assert.match(found.stdout, /denied: HTTP 403/);
	assert.match(found.stdout, /no token: HTTP 401/);
	assert.match(found.stdout, /All as promised\./);
	assert.deepEqual(fs.readdirSync(env.TMPDIR), [], 'nothing is left');
});

test('run.sh --check fails when a promise is broken', async (t) => {
	const env = await surroundings(t);
	const lie = path.join(env.TMPDIR, 'haward');
	// The program itself, but the book it shows is empty.
	fs.writeFileSync(lie, `#!/bin/sh\n[ "$1 $2" = "audit export" ] && exit 0\nexec "${haward}" "$@"\n`, { mode: 0o755 });
	const found = await run(script, ['--check'], { env: { ...env, HAWARD_BIN: lie }, timeout: 120000 });
	assert.notEqual(found.code, 0);
	assert.match(found.stdout + found.stderr, /no row for/);
});

async function startedByHand(t, example) {
	const env = await surroundings(t);
	fs.mkdirSync(path.join(out, 'logs'), { recursive: true });
	const log = path.join(out, 'logs', `run-${example}.log`);
	fs.rmSync(log, { force: true });
	const shell = start('run.sh', path.join(examples, example, 'run.sh'), [], { log, env });
	t.after(() => shell.stop().catch(() => {}));
	const text = await eventually('the commands', () => {
		if (shell.over) throw new Error(shell.output());
		return /Ctrl-C/.test(shell.output()) && shell.output();
	}, { ms: 60000 });
	const statuses = [];
	for (const [, command] of text.matchAll(/^ {2}(curl .*)$/gm)) {
		statuses.push(/^HTTP\/\S+ (\d+)/.exec((await run('sh', ['-c', `${command} -sS -m 5`])).stdout)?.[1]);
	}
	assert.match(text, new RegExp(`Sign in: +http://${env.HAWARD_ADMIN}/setup#token=\\S+`));
	const dashboard = await request(`http://${env.HAWARD_ADMIN}/`, { headers: { accept: 'text/html' } });
	assert.equal(dashboard.status, 200);
	assert.match(dashboard.text, /<html/);
	const how = await shell.stop({ signal: 'SIGINT', grace: 30000 });
	assert.equal(how.code, 130);
	for (const [name, address] of Object.entries(env).filter(([, value]) => /^127\./.test(value))) {
		await assert.rejects(request(`http://${address}/`), /ECONNREFUSED/, name);
	}
	assert.deepEqual(fs.readdirSync(env.TMPDIR), []);
	return statuses;
}

test('quickstart/run.sh prints three commands that do as they say; Ctrl-C ends everything', async (t) => {
	assert.deepEqual(await startedByHand(t, 'quickstart'), ['200', '403', '401']);
});

test('api-keys/run.sh prints three commands that do as they say; Ctrl-C ends everything', async (t) => {
	assert.deepEqual(await startedByHand(t, 'api-keys'), ['200', '403', '401']);
});

test('mtls/run.sh prints three commands that do as they say; Ctrl-C ends everything', async (t) => {
	const [checkout, reports, intruder] = await startedByHand(t, 'mtls');
	assert.deepEqual([checkout, reports], ['200', '403']);
	assert.match(intruder, /^40[13]$/);
});
