// API keys as programs, operators and the dashboard use them, with the files of haproxy-examples/api-keys as they are:
// accepted, each refusal, what HAProxy did, in force at once in every worker, and kept over a kill.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { accessibility, launch, newPage, overflow, shoot } from './support/browser.mjs';
import { Stack } from './support/stack.mjs';
import { eventually, sleep } from './support/wait.mjs';
import { examples } from './support/where.mjs';

const policy = JSON.parse(fs.readFileSync(path.join(examples, 'api-keys/policy.json'), 'utf8'));
const haproxySettings = { spop: { workers: 2 } };
const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

let stack;

before(async () => {
	stack = await Stack.up(null, { name: 'apikeys', example: 'api-keys', policy, settings: haproxySettings });
	await stack.signIn();
});
after(() => stack?.down());

const make = async (body) => (await stack.api.expect(201, 'POST', '/api/v1/api-keys', { body: { owner: 'shop@example.com', ...body } })).json();
const ask = (key, pathname = '/orders/17', options) => stack.get(pathname, { 'x-api-key': key }, options);
const idOf = (key) => key.slice(3, 19);

// A checksum by somebody who read the manual: CRC-32 in base 62.
function crc32(text) {
	let crc = 0xffffffff;
	for (const byte of Buffer.from(text)) {
		crc ^= byte;
		for (let i = 0; i < 8; i++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return (crc ^ 0xffffffff) >>> 0;
}

function base62(number) {
	let text = '';
	for (let i = 0; i < 6; i++, number = Math.floor(number / 62)) text = digits[number % 62] + text;
	return text;
}

const sealed = (start) => `${start}${base62(crc32(start))}`;

async function refused(key, status, reason, pathname, headers) {
	const answer = headers ? await stack.get(pathname ?? '/orders/17', headers) : await ask(key, pathname);
	assert.equal(answer.status, status, reason);
	const event = await stack.event(answer.headers['haward-event']);
	assert.equal(event.reason, reason);
	assert.equal(event.outcome.status, status, 'what HAProxy sent');
	return { answer, event };
}

test('a key is its owner, with the rights it was given, in each of its places', async () => {
	const made = await make({ client: 'shop', scopes: ['orders:read', 'orders:list'], groups: ['staff', 'all hands'] });
	assert.match(made.key, /^hw_[0-9A-Za-z]{16}_[0-9A-Za-z]{49}$/);
	assert.equal(sealed(made.key.slice(0, -6)), made.key, 'the checksum is the documented one');
	for (const headers of [{ 'x-api-key': made.key }, { authorization: `Bearer ${made.key}` }, { authorization: `apikey ${made.key}` }, { 'x-api-key': made.key, authorization: `Bearer ${made.key}` }]) {
		const answer = await stack.get('/orders/17', { ...headers, x_api_key: 'smuggled' });
		assert.equal(answer.status, 200, Object.keys(headers).join());
		const seen = answer.json();
		assert.deepEqual([seen.authorization, seen.api_key], [false, false], 'the service gets no credential');
		assert.equal(seen.identity['x-haward-user'], 'shop@example.com');
		assert.equal(seen.identity['x-haward-client'], 'shop');
		assert.equal(seen.identity['x-haward-scopes'], 'orders:read orders:list');
		assert.equal(seen.identity['x-haward-groups'], 'staff,all hands');
	}
	const event = await stack.event((await ask(made.key)).headers['haward-event']);
	assert.deepEqual([event.auth_method, event.user, event.subject, event.issuer, event.client], ['api_key', 'shop@example.com', made.id, 'haward:apikey', 'shop']);
	assert.equal(event.policy, 'read-orders');
	assert.equal(event.outcome.status, 200);
});

test('policies see client and groups of a key', async () => {
	const finance = await make({ client: 'nightly', groups: ['finance'] });
	const other = await make({ client: 'nightly', groups: ['staff'] });
	assert.equal((await ask(finance.key, '/reports/today')).status, 200);
	assert.equal((await ask(other.key, '/reports/today')).status, 403);
	assert.equal((await ask(finance.key, '/orders/17')).status, 403, 'it has no scope');
});

test('each refusal has its reason, and HAProxy its status', async () => {
	const { key, id } = await make({ scopes: ['orders:read'] });
	const unknown = sealed(`hw_${'0'.repeat(16)}_${'A'.repeat(43)}`);
	const wrong = sealed(`hw_${id}_${'A'.repeat(43)}`);
	await refused('hw_nonsense', 401, 'api_key_malformed');
	await refused(`${key.slice(0, -1)}${key.at(-1) === 'x' ? 'y' : 'x'}`, 401, 'api_key_malformed');
	const [a, b] = [await refused(unknown, 401, 'api_key_unknown'), await refused(wrong, 401, 'api_key_unknown')];
	assert.equal(a.answer.headers['www-authenticate'], b.answer.headers['www-authenticate'], 'a wrong secret is as unknown as a wrong id');
	assert.match(a.answer.headers['www-authenticate'], /^Bearer .*invalid_token/);
	await refused(null, 400, 'multiple_credentials', '/orders/17', { 'x-api-key': [key, key] });
	await refused(null, 400, 'multiple_credentials', '/orders/17', { 'x-api-key': key, authorization: 'Bearer e30.e30.e30' });

	const fenced = await make({ scopes: ['orders:read'], networks: ['192.0.2.0/24', '2001:db8::/32'] });
	await refused(fenced.key, 403, 'api_key_network');
	const home = await make({ scopes: ['orders:read'], networks: ['192.0.2.0/24', '127.0.0.0/8'] });
	assert.equal((await ask(home.key)).status, 200);
	const bound = await make({ scopes: ['orders:read'], services: ['reports'] });
	await refused(bound.key, 403, 'api_key_service');

	const short = await make({ scopes: ['orders:read'], expires_at: new Date(Date.now() + 1500).toISOString() });
	assert.equal((await ask(short.key)).status, 200);
	await sleep(1600);
	await refused(short.key, 401, 'api_key_expired');
	const change = (code, body) => stack.api.expect(code, 'PATCH', `/api/v1/api-keys/${id}`, { body });
	assert.equal((await change(200, { disabled: true })).json().state, 'disabled');
	await refused(key, 401, 'api_key_disabled');
	await change(200, { disabled: true });
	assert.equal((await change(200, { disabled: false })).json().disabled_at, null);
	assert.equal((await ask(key)).status, 200);
	assert.equal((await stack.cli(['key', 'disable', id, '--data', stack.dataDir])).code, 0);
	await eventually('the worker to follow the command line', async () => (await ask(key)).status === 401);
	assert.match((await stack.cli(['key', 'show', id, '--data', stack.dataDir])).stdout, /^state {8}disabled$/m);
	assert.equal((await stack.cli(['key', 'enable', id, '--data', stack.dataDir])).code, 0);
	await eventually('and back', async () => (await ask(key)).status === 200);
	for (const body of [{}, { disabled: 1 }, { disabled: true, owner: 'x' }]) await change(400, body);
	await stack.api.expect(404, 'PATCH', `/api/v1/api-keys/${'0'.repeat(16)}`, { body: { disabled: true } });
	await stack.api.expect(200, 'POST', '/api/v1/api-keys/revocations', { body: { id } });
	await refused(key, 401, 'api_key_revoked');
	await change(409, { disabled: false });
	const acts = (await stack.book()).map((r) => JSON.stringify(r)).filter((r) => r.includes(id));
	for (const act of ['apikey.disable', 'apikey.enable']) assert.equal(acts.filter((r) => r.includes(act)).length >= 2, true, act);
});

// Requests over many connections of HAProxy's, so that each of its threads and each worker is asked.
async function everywhere(key, status, what) {
	const answers = await Promise.all(Array.from({ length: 40 }, () => ask(key)));
	assert.deepEqual([...new Set(answers.map((a) => a.status))], [status], what);
}

test('what the API does is in force in every worker when it answers', async () => {
	for (let round = 0; round < 5; round++) {
		const { key, id } = await make({ scopes: ['orders:read'] });
		await everywhere(key, 200, 'made');
		const next = (await stack.api.expect(201, 'POST', '/api/v1/api-keys/rotations', { body: { id, overlap_seconds: 3600 } })).json();
		assert.deepEqual([next.owner, next.rotated_from, next.scopes], ['shop@example.com', id, ['orders:read']]);
		await everywhere(next.key, 200, 'the new one');
		await everywhere(key, 200, 'the old one, within the overlap');
		assert.equal((await stack.api.get(`/api/v1/api-keys/${id}`)).state, 'ending');
		await stack.api.expect(409, 'POST', '/api/v1/api-keys/rotations', { body: { id } });
		await stack.api.expect(200, 'POST', '/api/v1/api-keys/revocations', { body: { id } });
		await everywhere(key, 401, 'revoked');
		await everywhere(next.key, 200, 'its follower is not');
		const last = (await stack.api.expect(201, 'POST', '/api/v1/api-keys/rotations', { body: { id: next.id, overlap_seconds: 0 } })).json();
		await everywhere(last.key, 200);
		await everywhere(next.key, 401, 'no overlap');
	}
});

test('what the command line does while the agent runs is in force within 300 ms', async () => {
	const key = async (...args) => {
		const found = await stack.cli(['key', ...args, '--data', stack.dataDir]);
		assert.equal(found.code, 0, found.stderr);
		return found;
	};
	const made = await key('create', '--owner', 'emil', '--scope', 'orders:read', '--expires', '90d');
	const text = made.stdout.trim();
	assert.doesNotMatch(made.stderr, new RegExp(text), 'the key is on standard output alone');
	await sleep(300);
	await everywhere(text, 200, 'made');
	assert.match((await key('show', idOf(text))).stdout, /owner +emil/);
	const next = (await key('rotate', idOf(text), '--overlap', '7d')).stdout.trim();
	await sleep(300);
	await everywhere(next, 200, 'rotated');
	await key('revoke', idOf(next));
	await sleep(300);
	await everywhere(next, 401, 'revoked');
	await everywhere(text, 200);
	const list = (await key('list')).stdout;
	assert.match(list, new RegExp(`^${idOf(next)} revoked`, 'm'));
	assert.match(list, new RegExp(`^${idOf(text)} ending`, 'm'));
});

test('acts are in the book, and no secret is anywhere', async () => {
	const { key, id } = await make({ scopes: ['orders:read'], note: 'for the book' });
	await ask(key);
	await ask(`${key.slice(0, -1)}!`);
	await stack.api.expect(200, 'POST', '/api/v1/api-keys/revocations', { body: { id } });
	await eventually('both acts', async () => {
		const acts = (await stack.api.get('/api/v1/admin-events', { limit: 1000 })).items.filter((e) => e.target === id);
		return ['apikey.create', 'apikey.revoke'].every((action) => acts.some((e) => e.action === action && e.result === 'ok' && e.actor === 'root'));
	});
	await eventually('its decisions', async () => (await stack.api.decisions(`subject:${id}`)).length === 1);
	const secret = key.slice(20, 63);
	for (const item of (await stack.api.get('/api/v1/api-keys', { q: 'for the book' })).items) assert.ok(!JSON.stringify(item).includes(secret));
	assert.ok(!JSON.stringify(await stack.book()).includes(secret), 'the book');
	for (const file of fs.readdirSync(stack.dataDir, { recursive: true })) {
		const full = path.join(stack.dataDir, file);
		if (fs.statSync(full).isFile()) assert.ok(!fs.readFileSync(full).includes(secret), file);
	}
	for (const log of fs.readdirSync(stack.logs)) assert.ok(!fs.readFileSync(path.join(stack.logs, log)).includes(secret), log);
	assert.equal(fs.statSync(path.join(stack.dataDir, 'api-keys.pepper')).mode & 0o777, 0o600);
});

test('lists are searched and paged; bad input is named', async () => {
	for (let i = 0; i < 5; i++) await make({ client: `pager-${i}` });
	const seen = [];
	let cursor;
	do {
		const page = await stack.api.get('/api/v1/api-keys', { q: 'PAGER', limit: 2, ...(cursor ? { cursor } : {}) });
		seen.push(...page.items.map((k) => k.client));
		cursor = page.next_cursor;
	} while (cursor);
	assert.deepEqual(seen, ['pager-4', 'pager-3', 'pager-2', 'pager-1', 'pager-0']);
	const cases = [
		[{}, 400, /'owner' is missing/], [{ owner: 7 }, 400, /'owner' must be a string/], [{ owner: '' }, 422, /^owner:/], [{ owner: 'a', scope: [] }, 400, /Unknown member 'scope'/],
		[{ owner: 'a', scopes: ['a b'] }, 422, /^scopes:/], [{ owner: 'a', groups: ['a\nb'] }, 422, /^groups:/], [{ owner: 'a', networks: ['10.0.0.1/8'] }, 422, /^networks:/],
		[{ owner: 'a', networks: '10.0.0.0/8' }, 422, /^networks:/], [{ owner: 'a', expires_at: '2020-01-01T00:00:00Z' }, 422, /^expires_at:/], [{ owner: 'a', expires_at: 7 }, 422, /^expires_at:/],
		[{ owner: 'a', groups: Array.from({ length: 65 }, (_, i) => `g${i}`) }, 422, /^groups:/],
	];
	for (const [body, status, detail] of cases) assert.match((await stack.api.expect(status, 'POST', '/api/v1/api-keys', { body })).json().detail, detail);
	await stack.api.expect(400, 'GET', '/api/v1/api-keys', { query: { cursor: 'nowhere' } });
	await stack.api.expect(400, 'GET', '/api/v1/api-keys', { query: { limit: 0 } });
	await stack.api.expect(404, 'GET', '/api/v1/api-keys/0000000000000000');
	await stack.api.expect(404, 'POST', '/api/v1/api-keys/revocations', { body: { id: '0000000000000000' } });
	await stack.api.expect(404, 'POST', '/api/v1/api-keys/rotations', { body: { id: 'x' } });
	await stack.api.expect(422, 'POST', '/api/v1/api-keys/rotations', { body: { id: 'x', overlap_seconds: -1 } });
});

test('kill -9 takes no key, and gives none back', async () => {
	const [kept, gone] = [await make({ scopes: ['orders:read'] }), await make({ scopes: ['orders:read'] })];
	await stack.api.expect(200, 'POST', '/api/v1/api-keys/revocations', { body: { id: gone.id } });
	await stack.haward.stop({ signal: 'SIGKILL' });
	await stack.startHaward();
	await stack.flowing();
	await everywhere(kept.key, 200);
	await everywhere(gone.key, 401);
	await stack.api.signIn();
});

test('a pepper that is gone is said at the start; put back, all is as it was', async () => {
	const { key, id } = await make({ scopes: ['orders:read'] });
	const today = () => new Date().toISOString().slice(0, 10);
	const days = [today()];
	await everywhere(key, 200);
	days.push(today());
	const pepper = path.join(stack.dataDir, 'api-keys.pepper');
	await stack.haward.stop();
	fs.renameSync(pepper, `${pepper}.away`);
	await assert.rejects(stack.startHaward(), /api-keys\.pepper is gone/);
	fs.renameSync(`${pepper}.away`, pepper);
	await stack.startHaward();
	await stack.flowing();
	await stack.api.signIn();
	const { last_used_on } = await stack.api.get(`/api/v1/api-keys/${id}`);
	assert.ok(days.includes(last_used_on), `used on ${last_used_on}`);
	await everywhere(key, 200);
});

// ---- the dashboard ----

test('the page: empty, made, searched, rotated, revoked; narrow, dark, by keyboard', async (t) => {
	const fresh = await Stack.up(t, { name: 'apikeys-page', example: 'api-keys', policy });
	const browser = await launch();
	t.after(() => browser.close());
	const page = await newPage(browser);
	const home = (p) => `http://${fresh.admin}${p}`;
	const clean = async (what, on = page) => {
		assert.deepEqual(on.problems, [], `${what}: console and content security policy`);
		assert.deepEqual(await accessibility(on), [], `${what}: accessibility`);
		assert.equal(await overflow(on), 0, `${what}: nothing is wider than the window`);
	};
	await page.goto(await eventually('the setup link', () => fresh.setupLink()));
	await page.getByLabel('Account').fill('root');
	await page.getByLabel('Password', { exact: false }).first().fill('correct horse battery');
	await page.getByLabel('Password again').fill('correct horse battery');
	await page.getByRole('button', { name: 'Make the account' }).click();
	await page.getByRole('heading', { level: 1, name: 'Decisions' }).waitFor();
	await page.keyboard.press('g');
	await page.keyboard.press('k');
	await page.getByText('There are no API keys yet').waitFor();
	await clean('no keys');
	await shoot(page, 'apikeys-empty-light-1280');

	await page.getByRole('button', { name: 'New key' }).click();
	const dialog = page.getByRole('dialog', { name: 'New API key' });
	await dialog.getByLabel('Owner').fill('reports@example.com');
	await dialog.getByLabel('Client').fill('nightly');
	await dialog.getByLabel('Scopes').fill('orders:read orders:list');
	await dialog.getByLabel('Groups').fill('finance, all hands');
	await dialog.getByLabel('Only from networks').fill('10.0.0.1/8');
	await clean('a new key');
	await shoot(page, 'apikeys-new-light-1280');
	await dialog.getByRole('button', { name: 'Make the key' }).click();
	await dialog.getByRole('alert').getByText('networks:').waitFor();
	await dialog.getByLabel('Only from networks').fill('127.0.0.0/8');
	await page.keyboard.press('Enter');
	const made = page.getByRole('dialog', { name: 'The new key' });
	const key = await made.getByLabel('Key', { exact: true }).inputValue();
	assert.match(key, /^hw_/);
	await made.getByRole('button', { name: 'Copy the key' }).waitFor();
	await clean('the made key');
	await shoot(page, 'apikeys-made-light-1280');
	assert.equal((await fresh.get('/orders/17', { 'x-api-key': key })).status, 200);
	await made.getByRole('button', { name: 'I have it' }).click();
	assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'New key\u2026', 'the focus is where it was');
	assert.ok(!(await page.content()).includes(key.slice(20)), 'it is not shown again');

	await fresh.api.signIn();
	for (let i = 0; i < 3; i++) await fresh.api.expect(201, 'POST', '/api/v1/api-keys', { body: { owner: `user-${i}@example.com`, services: ['orders'] } });
	await page.reload();
	await page.locator('tbody tr').nth(3).waitFor();
	await clean('a list');
	await shoot(page, 'apikeys-light-1280');
	await page.keyboard.press('/');
	await page.keyboard.type('NIGHT');
	await eventually('one row', async () => (await page.locator('tbody tr').count()) === 1);
	await page.keyboard.type('zzz');
	await page.getByText('No key has this in it').waitFor();
	await clean('nothing found');
	await page.getByRole('searchbox').fill('nightly');

	await page.getByRole('button', { name: /^Show key .* of reports@example.com/ }).click();
	const facts = page.getByRole('dialog', { name: 'Key of reports@example.com' });
	await facts.getByText(`haward:apikey/${key.slice(3, 19)}`).waitFor();
	await clean('one key');
	await shoot(page, 'apikeys-one-light-1280');
	await page.keyboard.press('Escape');
	await page.getByRole('button', { name: /^Disable key/ }).click();
	await clean('disabling');
	await page.getByRole('button', { name: 'Disable the key' }).click();
	await page.getByRole('cell', { name: 'disabled' }).waitFor();
	assert.equal((await fresh.get('/orders/17', { 'x-api-key': key })).status, 401);
	await clean('a disabled key');
	await shoot(page, 'apikeys-disabled-light-1280');
	await page.getByRole('button', { name: /^Enable key/ }).click();
	await page.getByRole('cell', { name: 'active' }).waitFor();
	assert.equal((await fresh.get('/orders/17', { 'x-api-key': key })).status, 200);
	await page.getByRole('button', { name: /^Rotate key/ }).click();
	await page.getByLabel('The old key is good for').selectOption('1 hour');
	await clean('rotating');
	await page.getByRole('button', { name: 'Make the new key' }).click();
	const next = await made.getByLabel('Key', { exact: true }).inputValue();
	for (let i = 0; i < 3; i++) await page.keyboard.press('Escape');
	await page.mouse.click(2, 2);
	assert.equal(await made.getByRole('button', { name: 'Close' }).count(), 0);
	assert.equal(await made.getByLabel('Key', { exact: true }).inputValue(), next, 'only the person closes what is shown once');
	await made.getByRole('button', { name: 'I have it' }).click();
	await made.waitFor({ state: 'detached' });
	assert.equal((await fresh.get('/orders/17', { 'x-api-key': next })).status, 200);
	await page.locator('tbody tr').filter({ hasText: 'ending' }).waitFor();

	await page.getByRole('button', { name: `Revoke key ${key.slice(3, 19)} of reports@example.com` }).click();
	const ask = page.getByRole('dialog', { name: 'Revoke the key?' });
	await ask.getByText('are refused from now on').waitFor();
	await clean('revoking');
	await shoot(page, 'apikeys-revoke-light-1280');
	await ask.getByRole('button', { name: 'Revoke the key' }).click();
	await page.locator('tbody tr').filter({ hasText: 'revoked' }).waitFor();
	assert.equal((await fresh.get('/orders/17', { 'x-api-key': key })).status, 401);

	const storageState = await page.context().storageState();
	const narrow = await newPage(browser, { width: 390, height: 844, dark: true, storageState });
	await narrow.goto(home('/api-keys'));
	await narrow.locator('tbody tr').nth(3).waitFor();
	await clean('narrow and dark', narrow);
	await shoot(narrow, 'apikeys-dark-390');
	await narrow.getByRole('button', { name: 'New key' }).click();
	await clean('narrow and dark, a new key', narrow);
	await shoot(narrow, 'apikeys-new-dark-390');

	await fresh.api.expect(201, 'POST', '/api/v1/admins', { body: { username: 'look', password: 'a quiet river bend', roles: ['viewer'] } });
	await fresh.api.signIn('look', 'a quiet river bend');
	assert.equal((await fresh.api.get('/api/v1/api-keys')).items.length, 5);
	await fresh.api.expect(403, 'POST', '/api/v1/api-keys', { body: { owner: 'x' } });
	await fresh.api.expect(403, 'POST', '/api/v1/api-keys/revocations', { body: { id: key.slice(3, 19) } });
	await fresh.haward.stop();
	await page.getByRole('searchbox').fill('x');
	await page.getByRole('alert').getByText('The agent cannot be reached').waitFor();
	await fresh.startHaward();
});
