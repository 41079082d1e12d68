// Names and passwords: the example as it is, every refusal through HAProxy, and what waits or does not.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { freePorts } from './support/ports.mjs';
import { run } from './support/proc.mjs';
import { Stack } from './support/stack.mjs';
import { eventually } from './support/wait.mjs';
import { examples, haward, tempDir } from './support/where.mjs';

const basic = (name, password) => ({ authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` });
const policy = (more = {}) => ({ ...JSON.parse(fs.readFileSync(path.join(examples, 'basic/policy.json'), 'utf8')), ...more });
const recorded = (stack, answer) => stack.event(answer.headers['haward-event'], { outcome: false });
const ALICE = 'a long password of alice';

async function withUsers(t, name, { set, users = [['alice', ALICE, 'clerks'], ['bob', 'another long password', '']], settings } = {}) {
	const stack = await Stack.up(t, { name, example: 'basic', policy: policy(set), settings });
	for (const [user, password, groups] of users) {
		const made = await stack.cli(['user', 'add', user, '--groups', groups, '--data', stack.dataDir], { input: `${password}\n` });
		assert.equal(made.code, 0, made.stderr);
	}
	return stack;
}

test('run.sh --check proves itself', async (t) => {
	const [edge, spop, accounting, service, admin] = (await freePorts(5)).map((port) => `127.0.0.1:${port}`);
	const dir = tempDir(t, 'run-basic');
	const env = { HAWARD_BIN: haward, HAWARD_EDGE: edge, HAWARD_SPOP: spop, HAWARD_ACCOUNTING: accounting, HAWARD_SERVICE: service, HAWARD_ADMIN: admin, TMPDIR: dir };
	const found = await run(path.join(examples, 'basic/run.sh'), ['--check'], { env, timeout: 120000 });
	assert.equal(found.code, 0, found.stdout + found.stderr);
	for (const line of [/allowed: HTTP 200/, /imported: HTTP 200/, /denied: HTTP 403/, /wrong password: HTTP 401/, /All as promised\./]) assert.match(found.stdout, line);
	assert.deepEqual(fs.readdirSync(dir), [], 'nothing is left');
});

test('accepted, and each refusal with its reason', async (t) => {
	const stack = await withUsers(t, 'basic');
	const first = await stack.get('/orders/1', basic('alice', ALICE));
	assert.equal(first.status, 200);
	const seen = first.json();
	assert.equal(seen.identity['x-haward-user'], 'alice');
	assert.equal(seen.identity['x-haward-groups'], 'clerks');
	assert.equal(seen.authorization, false, 'the service does not get the password');
	const event = await recorded(stack, first);
	assert.deepEqual([event.user, event.issuer, event.auth_method], ['alice', 'haward:basic', 'basic']);

	const rows = [
		['no credential', {}, 401, 'authentication_required'],
		['a wrong password', basic('alice', 'not hers at all'), 401, 'password_wrong'],
		['an unknown user', basic('mallory', ALICE), 401, 'password_wrong'],
		['no colon', { authorization: `Basic ${Buffer.from('alice').toString('base64')}` }, 401, 'credential_malformed'],
		['no base64', { authorization: 'Basic alice:secret' }, 401, 'credential_malformed'],
		['two of them', { authorization: [basic('alice', ALICE).authorization, basic('bob', 'x').authorization] }, 400, 'multiple_credentials'],
		['another scheme', { authorization: 'Digest username="alice"' }, 401, 'unsupported_credential'],
	];
	for (const [what, headers, status, reason] of rows) {
		const answer = await stack.get('/orders/1', headers);
		assert.equal(answer.status, status, what);
		assert.equal((await recorded(stack, answer)).reason, reason, what);
		if (status === 401) assert.equal(answer.headers['www-authenticate'], 'Basic realm="Orders", charset="UTF-8"', what);
	}
	assert.equal((await stack.get('/orders/1', basic('bob', 'another long password'), { method: 'DELETE' })).status, 403, 'no clerk');
	assert.equal((await stack.get('/orders/1', basic('alice', ALICE), { method: 'DELETE' })).status, 200);
	assert.doesNotMatch(stack.haward.output() + await stack.book(null, { format: 'csv' }), /long password|YWxpY2U6/);
});

test('guessing is slowed down, and nobody is locked out', async (t) => {
	const stack = await withUsers(t, 'basic-throttle');
	const reasons = [];
	let last;
	for (let i = 0; i < 6; i++) {
		last = await stack.get('/orders/1', basic('alice', `guess number ${i}`));
		reasons.push((await recorded(stack, last)).reason);
	}
	assert.deepEqual(reasons.slice(0, 3), ['password_wrong', 'password_wrong', 'password_wrong']);
	assert.ok(reasons.includes('throttled'), reasons.join());
	const held = await eventually('a refusal', async () => {
		const answer = await stack.get('/orders/1', basic('alice', `guess ${Math.random()}`));
		return answer.status === 429 && answer;
	});
	assert.ok(Number(held.headers['retry-after']) >= 1);
	assert.equal((await recorded(stack, held)).verdict, 'limit');
	assert.equal((await stack.get('/orders/1', basic('bob', 'another long password'))).status, 200, 'others go on');
	await eventually('alice to get in', async () => (await stack.get('/orders/1', basic('alice', ALICE))).status === 200, { ms: 25000, every: 500 });
});

test('users change while the agent runs', async (t) => {
	const stack = await withUsers(t, 'basic-users', { set: { basic: { realm: 'Orders', cacheSeconds: 1 } } });
	const user = (args, input) => stack.cli(['user', ...args, '--data', stack.dataDir], { input });
	assert.equal((await stack.get('/orders/1', basic('alice', ALICE))).status, 200);
	assert.equal((await user(['passwd', 'alice'], 'a new one for alice\n')).code, 0);
	await eventually('the new password', async () => (await stack.get('/orders/1', basic('alice', 'a new one for alice'))).status === 200, { ms: 15000 });
	await eventually('the old one to end', async () => (await stack.get('/orders/1', basic('alice', ALICE))).status !== 200, { ms: 5000 });

	const file = path.join(stack.dir, 'htpasswd');
	const crypt = execFileSync('openssl', ['passwd', '-6', '-salt', 'abcdefgh', 'a password of carla'], { encoding: 'utf8' }).trim();
	fs.writeFileSync(file, `carla:${crypt}\nerik:$apr1$8sFt66rZ$B/Ch7aY7dGRD4s1HgPz4k1\n`);
	const refused = await user(['import', '--htpasswd', file]);
	assert.equal(refused.code, 1);
	assert.match(refused.stderr, /htpasswd: line 2: this kind of hash is not taken/);
	assert.equal((await user(['list'])).stdout.includes('carla'), false, 'all or none');
	fs.writeFileSync(file, `carla:${crypt}\n`);
	assert.match((await user(['import', '--htpasswd', file])).stdout, /1 added, 0 changed/);
	assert.match((await user(['list'])).stdout, /^carla +sha512 /m);
	assert.equal((await stack.get('/orders/1', basic('carla', 'a password of carla'))).status, 200);
	await eventually('a hash of ours', async () => /^carla +argon2id /m.test((await user(['list'])).stdout));
	assert.equal((await user(['remove', 'carla'])).code, 0);
	await eventually('her end', async () => (await stack.get('/orders/1', basic('carla', 'a password of carla'))).status === 401, { ms: 10000 });
	assert.equal((await user(['remove', 'carla'])).code, 1);
	const acts = (await stack.book('kind:admin')).map((act) => act.action).filter((action) => action?.startsWith('user.'));
	for (const action of ['user.create', 'user.change', 'user.import', 'user.delete']) assert.ok(acts.includes(action), `${action}: ${acts}`);
});

test('a flood of passwords holds up nobody else', async (t) => {
	const stack = await withUsers(t, 'basic-flood');
	const flood = Array.from({ length: 150 }, (_, i) => stack.get('/orders/1', basic(`user${i}`, 'whatever it may be'), { timeout: 20000 }));
	const times = [];
	for (let i = 0; i < 20; i++) {
		const began = performance.now();
		assert.equal((await stack.get('/orders/1')).status, 401);
		times.push(performance.now() - began);
	}
	times.sort((a, b) => a - b);
	assert.ok(times[10] < 200, `the median of those without a password: ${times[10]} ms`);
	const statuses = (await Promise.all(flood)).map((answer) => answer.status);
	assert.ok(statuses.every((status) => [401, 503].includes(status)), statuses.join());
	assert.ok(statuses.includes(503), 'a full lane refuses');
	await eventually('the lane to be free', async () => (await stack.get('/orders/1', basic('bob', 'another long password'))).status === 200, { ms: 20000, every: 200 });
});
