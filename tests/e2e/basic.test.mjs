// Names and passwords: the example as it is, every refusal through HAProxy, and what waits or does not.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { accessibility, launch, newPage, overflow, shoot } from './support/browser.mjs';
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

test('the API adds, changes and removes users, at once for every worker', async (t) => {
	const stack = await withUsers(t, 'basic-api', { users: [], set: { basic: { realm: 'Orders', cacheSeconds: 3600 } } });
	await stack.signIn();
	const post = (status, at, body) => stack.api.expect(status, 'POST', `/api/v1/users${at}`, { body });
	const asks = async (name, password, times = 8) => {
		const statuses = new Set();
		for (let i = 0; i < times; i++) statuses.add((await stack.get('/orders/1', basic(name, password), { method: 'DELETE' })).status);
		return [...statuses];
	};
	const made = (await post(201, '', { name: 'dora/of the shop', password: 'a password of dora', groups: ['clerks', 'night shift'] })).json();
	assert.deepEqual([made.name, made.principal, made.groups, made.hash], ['dora/of the shop', 'haward:basic/dora/of the shop', ['clerks', 'night shift'], 'argon2id']);
	assert.ok(!JSON.stringify(made).includes('$argon2'), 'the hash stays here');
	assert.deepEqual(await asks('dora/of the shop', 'a password of dora'), [200]);
	assert.deepEqual((await post(200, '/changes', { name: made.name, groups: [] })).json().groups, []);
	assert.deepEqual(await asks(made.name, 'a password of dora'), [403], 'no clerk any more, though the password is remembered for an hour');
	await post(200, '/changes', { name: made.name, password: 'another one of dora', groups: ['clerks'] });
	assert.equal((await stack.get('/orders/1', basic(made.name, 'a password of dora'))).status, 401);
	assert.deepEqual(await asks(made.name, 'another one of dora'), [200]);
	await post(204, '/removals', { name: made.name });
	assert.equal((await stack.get('/orders/1', basic(made.name, 'another one of dora'))).status, 401);

	for (const name of ['anna', 'bea', 'carl']) await post(201, '', { name, password: 'a password of theirs', groups: [`of ${name}`] });
	const names = async (query) => (await stack.api.get('/api/v1/users', query)).items.map((user) => user.name);
	assert.deepEqual(await names({}), ['anna', 'bea', 'carl']);
	assert.deepEqual(await names({ q: 'OF BE' }), ['bea']);
	const first = await stack.api.get('/api/v1/users', { limit: 2 });
	assert.deepEqual([first.items.length, first.exhausted], [2, false]);
	assert.deepEqual(await names({ limit: 2, cursor: first.next_cursor }), ['carl']);

	const rows = [
		[409, '', { name: 'anna', password: 'a password of theirs' }, /exists/],
		[422, '', { name: 'x:y', password: 'a password of theirs' }, /without a colon/],
		[422, '', { name: 'x', password: 'short' }, /12/],
		[422, '', { name: 'x', password: 'a password of theirs', groups: ['a,b'] }, /without commas/],
		[422, '', { name: 'x', password: 'a password of theirs', groups: 'a' }, /groups/],
		[400, '', { name: 'x' }, /password/],
		[400, '/changes', { name: 'anna' }, /Nothing to change/],
		[404, '/changes', { name: 'nobody', groups: [] }, /no user/],
		[404, '/removals', { name: 'nobody' }, /no user/],
	];
	for (const [status, at, body, detail] of rows) assert.match((await post(status, at, body)).json().detail, detail, JSON.stringify(body));
	const acts = (await stack.book('kind:admin')).filter((act) => act.action?.startsWith('user.'));
	assert.ok(acts.some((act) => act.action === 'user.change' && act.target === made.name && act.after === 'new password'), JSON.stringify(acts));
	assert.doesNotMatch(stack.haward.output() + JSON.stringify(acts), /password of|one of dora|argon2/);
});

test('the page adds, changes and removes a user; narrow, dark', async (t) => {
	const stack = await withUsers(t, 'basic-page', { users: [] });
	const browser = await launch();
	t.after(() => browser.close());
	const page = await newPage(browser);
	const home = (p) => `http://${stack.admin}${p}`;
	const clean = async (what, on = page) => {
		assert.deepEqual(on.problems, [], `${what}: console and content security policy`);
		assert.deepEqual(await accessibility(on), [], `${what}: accessibility`);
		assert.equal(await overflow(on), 0, `${what}: nothing is wider than the window`);
	};
	await page.goto(await eventually('the setup link', () => stack.setupLink()));
	await page.getByLabel('Account').fill('root');
	await page.getByLabel('Password', { exact: false }).first().fill('correct horse battery');
	await page.getByLabel('Password again').fill('correct horse battery');
	await page.getByRole('button', { name: 'Make the account' }).click();
	await page.getByRole('heading', { level: 1, name: 'Decisions' }).waitFor();
	await page.keyboard.press('g');
	await page.keyboard.press('b');
	await page.getByText('There are no users yet').waitFor();
	await clean('no users');
	await page.getByRole('button', { name: 'New user' }).click();
	const dialog = page.getByRole('dialog', { name: 'New user' });
	await dialog.getByLabel('Name').fill('an:na');
	await dialog.getByLabel('Password').fill('a password of hers');
	await dialog.getByLabel('Groups').fill('clerks, night shift');
	await clean('a new user');
	await shoot(page, 'users-new-light-1280');
	await dialog.getByRole('button', { name: 'Add the user' }).click();
	await dialog.getByRole('alert').getByText('without a colon').waitFor();
	await dialog.getByLabel('Name').fill('anna');
	await page.keyboard.press('Enter');
	await page.getByRole('cell', { name: 'clerks, night shift' }).waitFor();
	const asks = (password, method = 'GET') => stack.get('/orders/1', basic('anna', password), { method }).then((answer) => answer.status);
	assert.equal(await asks('a password of hers', 'DELETE'), 200);

	await page.getByRole('button', { name: 'Change anna' }).click();
	const change = page.getByRole('dialog', { name: 'User anna' });
	await change.getByLabel('Groups').fill('night shift');
	await change.getByRole('button', { name: 'Save' }).click();
	await page.getByRole('cell', { name: 'night shift', exact: true }).waitFor();
	assert.equal(await asks('a password of hers', 'DELETE'), 403, 'at once');
	await stack.api.signIn();
	for (const [name, groups] of [['bert', ['it']], ['claire@example.com', []]]) await stack.api.expect(201, 'POST', '/api/v1/users', { body: { name, groups, password: 'one of many words' } });
	await page.reload();
	await page.locator('tbody tr').nth(2).waitFor();
	await clean('a list');
	await shoot(page, 'users-light-1280');
	const dark = await newPage(browser, { width: 390, dark: true, storageState: await page.context().storageState() });
	await dark.goto(home('/users'));
	await dark.locator('tbody tr').nth(2).waitFor();
	await clean('narrow and dark', dark);
	await shoot(dark, 'users-dark-390');
	await page.getByRole('searchbox').fill('CLAIRE');
	await eventually('one row', async () => (await page.locator('tbody tr').count()) === 1);
	await page.getByRole('searchbox').fill('anna');
	await page.getByRole('button', { name: 'Remove anna' }).click();
	await page.getByRole('dialog', { name: 'Remove anna?' }).getByRole('button', { name: 'Remove the user' }).click();
	await page.getByText('No user has this in it').waitFor();
	assert.equal(await asks('a password of hers'), 401);
	await clean('removed');
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
