// What an operator meets at night: each mistake is refused with its place and cause, and nothing that runs suffers.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { bearer, request } from './support/http.mjs';
import { jwksOf, makeKey, mint } from './support/issuer.mjs';
import { issuerEntry, policySet } from './support/policies.mjs';
import { freePorts } from './support/ports.mjs';
import { run } from './support/proc.mjs';
import { keepAlive, load, sanitizers, Stack } from './support/stack.mjs';
import { eventually } from './support/wait.mjs';
import { haward, tempDir } from './support/where.mjs';

// Settings of an agent that should not come up; what it says, and how it ends.
async function refused(t, change, { before } = {}) {
	const dir = tempDir(t, 'operate');
	const [spop, accounting, admin] = await freePorts(3);
	const settings = {
		data_dir: path.join(dir, 'data'), spop: { listen: [`127.0.0.1:${spop}`] }, accounting: { listen: [`127.0.0.1:${accounting}`] },
		admin: { listen: `127.0.0.1:${admin}` }, policy: { file: path.join(dir, 'policy.json') },
	};
	fs.mkdirSync(settings.data_dir, { mode: 0o700 });
	fs.writeFileSync(settings.policy.file, '{ "apiVersion": "haward/v1" }');
	const changed = change(settings, dir) ?? settings;
	const file = path.join(dir, 'haward.json');
	fs.writeFileSync(file, typeof changed === 'string' ? changed : JSON.stringify(changed, null, 2));
	await before?.(settings, dir);
	const found = await run(haward, ['serve', '--config', file], { env: sanitizers, timeout: 20000 });
	assert.equal(found.code, 1, `${found.code} ${found.stderr}`);
	return { text: found.stderr + found.stdout, file };
}

test('settings that are wrong are refused with file, line and the nearest name', async (t) => {
	const { text, file } = await refused(t, (s) => ({ ...s, data_dirr: 'x' }));
	assert.match(text, new RegExp(`${file}:\\d+:\\d+: .*data_dirr`));
	assert.match(text, /did you mean 'data_dir'|data_dir\b/);
	assert.match((await refused(t, () => '{ "spop": ')).text, /haward\.json:\d+/);
	assert.match((await refused(t, (s) => ({ ...s, spop: { ...s.spop, workers: 'two' } }))).text, /\/spop\/workers|workers/);
});

test('an address that is taken or is none is named', async (t) => {
	const holder = net.createServer();
	await new Promise((resolve) => holder.listen(0, '127.0.0.1', resolve));
	t.after(() => holder.close());
	const taken = `127.0.0.1:${holder.address().port}`;
	for (const part of ['spop', 'accounting']) {
		const { text } = await refused(t, (s) => ({ ...s, [part]: { listen: [taken] } }));
		assert.match(text, new RegExp(`${taken}.*in use`, 'i'));
	}
	assert.match((await refused(t, (s) => ({ ...s, admin: { listen: taken } }))).text, /admin.*in use|in use.*admin|in use/i);
	assert.match((await refused(t, (s) => ({ ...s, spop: { listen: ['localhost:1'] } }))).text, /'localhost:1' is no address/);
});

test('a policy file that is missing or wrong at the first start', async (t) => {
	const missing = await refused(t, () => {}, { before: (s) => fs.rmSync(s.policy.file) });
	assert.match(missing.text, /policy\.json/);
	const wrong = await refused(t, () => {}, { before: (s) => fs.writeFileSync(s.policy.file, '{\n  "apiVersion": "haward/v1",\n  "polices": []\n}') });
	assert.match(wrong.text, /policy\.json line=3 column=\d+ .*'polices' is not known here; did you mean 'policies'/);
});

test('a data directory that cannot be used', async (t) => {
	const { text } = await refused(t, (s) => ({ ...s, data_dir: '/dev/null/haward' }));
	assert.match(text, /data_dir=\/dev\/null\/haward cause=.a part of the path is no directory/);
	const damaged = await refused(t, () => {}, { before: (s) => {
		fs.mkdirSync(path.join(s.data_dir, 'audit', 'events'), { recursive: true });
		fs.writeFileSync(path.join(s.data_dir, 'audit', 'events', 'data.mdb'), 'this is no book'.repeat(1000));
	} });
	assert.match(damaged.text, /part=store .*damaged/);
});

async function stackWithToken(t, options) {
	const key = await makeKey();
	const stack = await Stack.up(t, { policy: policySet(issuerEntry({ jwks: jwksOf(key) })), ...options });
	return { stack, token: await mint(key) };
}

test('a second agent on the same data is refused, and the first does not notice', async (t) => {
	const { stack, token } = await stackWithToken(t, { name: 'second' });
	const [spop, accounting, admin] = await freePorts(3);
	const second = { ...stack.settings, spop: { listen: [`127.0.0.1:${spop}`] }, accounting: { listen: [`127.0.0.1:${accounting}`] }, admin: { listen: `127.0.0.1:${admin}` } };
	const file = path.join(stack.dir, 'second.json');
	fs.writeFileSync(file, JSON.stringify(second));
	const found = await stack.cli(['serve', '--config', file], { timeout: 20000 });
	assert.equal(found.code, 1, found.stderr);
	assert.match(found.stderr, /another haward serves this data directory/);
	const answer = await stack.get('/orders/1', bearer(token));
	assert.equal(answer.status, 200);
	await stack.event(answer.headers['haward-event']);
});

test('SIGUSR1 opens the log file again; what is logged holds no secret', async (t) => {
	const dir = tempDir(t, 'logs');
	const logFile = path.join(dir, 'haward.log');
	const { stack, token } = await stackWithToken(t, { name: 'logfile', settings: { log: { file: logFile } } });
	assert.equal((await stack.get('/orders/1', bearer(token))).status, 200);
	assert.equal((await stack.get('/orders/1', bearer(`${token}x`))).status, 401);
	fs.renameSync(logFile, `${logFile}.1`);
	stack.haward.signal('SIGUSR1');
	fs.writeFileSync(stack.policyFile, '{');
	await eventually('a new log file', () => {
		if (!fs.existsSync(logFile)) return false;
		stack.haward.signal('SIGHUP');
		return /reloaded/.test(fs.readFileSync(logFile, 'utf8'));
	}, { ms: 10000, every: 200 });
	const all = fs.readFileSync(`${logFile}.1`, 'utf8') + fs.readFileSync(logFile, 'utf8') + stack.haward.output();
	assert.match(all, /event=ready/);
	for (const part of token.split('.')) assert.ok(!all.includes(part), 'a part of the token is in the log');
	assert.equal((await stack.get('/orders/1', bearer(token))).status, 200, 'the policy in force stays');
});

// A limit of file size stands for the disk: it needs no rights, and can be lifted while the agent runs.
test('a full disk: requests are refused, nothing answered is lost, and it recovers by itself', async (t) => {
	const kilobytes = 3000;
	const { stack, token } = await stackWithToken(t, {
		name: 'full-disk', settings: { audit: { journal_bytes: 131072 } },
		wrapper: ['bash', '-c', `ulimit -S -f ${kilobytes}; exec "$@"`, 'bash'],
	});
	const agent = keepAlive(16);
	t.after(() => agent.destroy());
	const traffic = load(t, 16, async (who) => {
		const answer = await stack.get(`/orders/${who}?${'filler='.repeat(60)}${Math.random()}`, bearer(token), { agent });
		return { status: answer.status, id: answer.headers['haward-event'] };
	});
	// a slow machine refuses now and then by HAProxy's own timeout: the agent's word counts
	await eventually('the agent to say that it cannot record', async () => (await request(`http://${stack.admin}/health/ready`)).status === 503, { ms: 60000 });
	const refused = () => traffic.answers.filter((a) => a.status === 503).length;
	const before = refused();
	await eventually('requests to be refused', () => refused() > before + 20, { ms: 20000 });
	const { code, stderr } = await run('prlimit', ['--pid', String(stack.haward.pid), '--fsize=unlimited:']);
	assert.equal(code, 0, stderr);
	await eventually('requests to pass again', async () => (await stack.get('/orders/1', bearer(token))).status === 200, { ms: 20000 });
	const answers = await traffic.stop();
	for (const a of answers) assert.ok(!a.error && [200, 503].includes(a.status), `${a.error} ${a.status}`);
	const receipts = answers.filter((a) => a.status === 200).map((a) => a.id);
	await stack.event(receipts.at(-1), { outcome: false, ms: 20000 });
	const book = await stack.book();
	const known = new Set(book.map((e) => e.id));
	assert.deepEqual(receipts.filter((id) => !known.has(id)), []);
	assert.ok(book.some((e) => e.kind === 'gap'), 'the refused are counted in a gap');
	const verified = await stack.verify();
	assert.equal(verified.code, 0, verified.stdout + verified.stderr);
	assert.match(stack.haward.output(), /level=(error|err|crit|warning).*(audit|commit)/);
});
