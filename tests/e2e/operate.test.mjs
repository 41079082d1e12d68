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

test('a reload says where a policy is wrong; signals in a row end it once, with 0', async (t) => {
	const { stack, token } = await stackWithToken(t, { name: 'night' });
	const text = fs.readFileSync(stack.policyFile, 'utf8');
	const said = () => stack.haward.output();
	const wrong = text.replace('"rules"', '"rulez"');
	const line = wrong.slice(0, wrong.indexOf('"rulez"')).split('\n').length;
	fs.writeFileSync(stack.policyFile, wrong);
	stack.haward.signal('SIGHUP');
	await eventually('the place of the error', () => new RegExp(`policy\\.json line=${line} column=\\d+ .*'rulez' is not known here; did you mean 'rules'`).test(said()));
	await eventually('the word that it was refused', () => /event=reloaded ok=no/.test(said()));
	assert.equal((await stack.get('/orders/1', bearer(token))).status, 200, 'the policy in force stays');
	fs.rmSync(stack.policyFile);
	stack.haward.signal('SIGHUP');
	await eventually('the word that it is not there', () => said().match(/event=reloaded ok=no/g)?.length === 2);
	assert.equal((await stack.get('/orders/1', bearer(token))).status, 200, 'the policy in force stays');
	fs.writeFileSync(stack.policyFile, text.replaceAll('"GET"', '"PATCH"'));
	stack.haward.signal('SIGHUP');
	await eventually('the new policy', async () => (await stack.get('/orders/1', bearer(token))).status === 403);
	assert.match(said(), /event=reloaded ok=yes/);
	const started = performance.now();
	for (const signal of ['SIGTERM', 'SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1']) stack.haward.signal(signal);
	assert.equal((await stack.haward.stop()).code, 0);
	assert.ok(performance.now() - started < 10000, 'it ends within seconds');
});

// As when the pager or the log collector behind a pipe goes away.
test('who reads the log may leave', async (t) => {
	const { stack, token } = await stackWithToken(t, { name: 'log-reader', wrapper: ['bash', '-c', 'exec "$@" 2> >(head -n 2 >&2)', 'bash'] });
	for (let i = 0; i < 3; i++) {
		stack.haward.signal('SIGHUP');
		assert.equal((await stack.get('/orders/1', bearer(token))).status, 200);
	}
	await eventually('the reader to be gone with two lines', () => stack.haward.output().trim().split('\n').length === 2);
	assert.equal((await stack.haward.stop()).code, 0);
});

test('an issuer that hangs holds up neither requests nor the end', async (t) => {
	const key = await makeKey();
	const hanging = net.createServer(); // takes connections, says nothing
	const sockets = new Set();
	hanging.on('connection', (socket) => { sockets.add(socket); socket.on('error', () => {}); });
	await new Promise((resolve) => hanging.listen(0, '127.0.0.1', resolve));
	t.after(() => { for (const socket of sockets) socket.destroy(); hanging.close(); });
	const stack = await Stack.up(t, {
		name: 'hanging', settings: { fetch: { allow_http_hosts: ['127.0.0.1'], timeout_ms: 60000 } },
		policy: policySet(issuerEntry({ jwksUri: `http://127.0.0.1:${hanging.address().port}/keys` })),
	});
	await eventually('it to be asked for keys', () => sockets.size > 0);
	const asked = performance.now();
	assert.equal((await stack.get('/orders/1', bearer(await mint(key)))).status, 401);
	assert.ok(performance.now() - asked < 2000, 'the answer waits for nobody');
	const started = performance.now();
	assert.equal((await stack.haward.stop()).code, 0);
	assert.ok(performance.now() - started < 10000, 'nor does the end');
});

test('a data directory of another user is refused with the cause', async (t) => {
	if (process.getuid() !== 0) return t.skip('only root can start it as another user');
	const dir = tempDir(t, 'foreign');
	const data = path.join(dir, 'data');
	fs.mkdirSync(data, { mode: 0o700 });
	fs.chmodSync(dir, 0o755);
	const file = path.join(dir, 'haward.json');
	fs.writeFileSync(file, JSON.stringify({ data_dir: data }), { mode: 0o644 });
	const found = await run('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', haward, 'serve', '--config', file], { env: sanitizers, timeout: 20000 });
	assert.equal(found.code, 1, found.stderr);
	assert.match(found.stderr, /error="Permission denied" data_dir=.*data cause="the directory has to belong to the user the agent runs as"/);
});

// A small disk of its own, which somebody else fills and clears again.
test('a disk that others fill: refused with the cause, alive all the time, and back by itself', async (t) => {
	if (process.getuid() !== 0) return t.skip('only root can mount');
	let stack, mounted;
	t.after(async () => {
		await stack?.haward?.stop();
		if (mounted) await run('umount', ['-l', mounted]);
	});
	const key = await makeKey();
	const tried = await run('sh', ['-c', 'd=$(mktemp -d) && mount -t tmpfs -o size=1m none "$d" && umount "$d" && rmdir "$d"']);
	if (tried.code !== 0) return t.skip('mounts are not allowed here');
	const running = await Stack.up(t, {
		name: 'small-disk', settings: { audit: { journal_bytes: 131072 } },
		policy: async (s) => {
			stack = s;
			const { code, stderr } = await run('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=0700', 'haward-test', s.dataDir]);
			assert.equal(code, 0, stderr);
			mounted = s.dataDir;
			return policySet(issuerEntry({ jwks: jwksOf(key) }));
		},
	});
	const token = await mint(key);
	const ready = async () => (await request(`http://${running.admin}/health/ready`)).status;
	const ballast = path.join(running.dataDir, 'ballast');
	const agent = keepAlive(8);
	t.after(() => agent.destroy());
	for (let round = 0; round < 2; round++) {
		await run('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=64k']); // until nothing is left
		const traffic = load(t, 8, async (who) => {
			const answer = await running.get(`/orders/${who}?${'filler='.repeat(60)}${Math.random()}`, bearer(token), { agent });
			return { status: answer.status, id: answer.headers['haward-event'] };
		});
		await eventually('the agent to say that it cannot record', async () => (await ready()) === 503, { ms: 60000 });
		await eventually('requests to be refused', () => traffic.answers.filter((a) => a.status === 503).length > 20, { ms: 30000 });
		const second = await refused(t, (s) => ({ ...s, data_dir: path.join(running.dataDir, 'second') }));
		assert.match(second.text, /cause="the disk is full"/);
		assert.equal(running.haward.over, null);
		fs.rmSync(ballast);
		await eventually('the agent to be ready', async () => (await ready()) === 200, { ms: 20000 });
		await eventually('requests to pass again', async () => (await running.get('/orders/1', bearer(token))).status === 200, { ms: 20000 });
		const answers = await traffic.stop();
		for (const a of answers) assert.ok(!a.error && [200, 503].includes(a.status), `${a.error} ${a.status}`);
		const receipts = answers.filter((a) => a.status === 200).map((a) => a.id);
		if (receipts.length) await running.event(receipts.at(-1), { outcome: false, ms: 20000 });
		const known = new Set((await running.book()).map((e) => e.id));
		assert.deepEqual(receipts.filter((id) => !known.has(id)), []);
		fs.rmSync(path.join(running.dataDir, 'second'), { recursive: true, force: true });
	}
	assert.match(running.haward.output(), /event=audit_write_failed/);
	assert.match(running.haward.output(), /event=audit_write_recovered/);
	const verified = await running.verify();
	assert.equal(verified.code, 0, verified.stdout + verified.stderr);
	// its end needs no space, and what was recorded before is there afterwards
	await run('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=4k']);
	assert.equal((await running.haward.stop()).code, 0);
	fs.rmSync(ballast);
	await running.startHaward();
	await running.flowing();
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
