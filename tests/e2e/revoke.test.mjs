// What was revoked is refused at once, in every worker and also where the same token was good a moment ago; by the
// command line while the agent runs, by the API, and in the dashboard.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import { isClean, launch, newPage, shoot, signInAt } from './support/browser.mjs';
import { ISSUER, claims, jwksOf, makeKey, mint, now } from './support/issuer.mjs';
import { bearer, request } from './support/http.mjs';
import { issuerEntry, policySet } from './support/policies.mjs';
import { Stack } from './support/stack.mjs';
import { eventually } from './support/wait.mjs';

const WORKERS = 3;
let key;
let stack;

before(async () => {
	key = await makeKey('RS256', 'k-1');
});

async function up(t) {
	stack = await Stack.up(t, { policy: policySet(issuerEntry({ jwks: jwksOf(key) })), settings: { spop: { workers: WORKERS } } });
	await stack.signIn();
	return stack;
}

const ask = (token) => stack.get('/orders/7', bearer(token));
// each request on a connection of its own: several of HAProxy's connections, so several workers
const askAll = (token) => Promise.all(Array.from({ length: 4 * WORKERS }, () => ask(token)));
const status = (answers) => [...new Set(answers.map((a) => a.status))];

const revoke = (...words) => stack.cli(['revoke', ...words, '--data', stack.dataDir]);

async function done(...words) {
	const found = await revoke(...words);
	assert.equal(found.code, 0, found.stderr);
	return found.stdout.trim();
}

test('each kind, by the command line: good before, refused within 300 ms, good again when taken back', async (t) => {
	await up(t);
	const sign = (sub, extra) => mint(key, claims(sub, extra));
	const cases = {
		token: ['t-1', await sign('anna', { jti: 't-1' }), await sign('anna', { jti: 't-2' })],
		session: ['s-1', await sign('anna', { sid: 's-1' }), await sign('anna', { sid: 's-2' })],
		subject: ['berta', await sign('berta', { iat: now() - 5 }), await sign('carla', { iat: now() - 5 })],
		client: ['web', await sign('dora', { azp: 'web', iat: now() - 5 }), await sign('dora', { azp: 'app', iat: now() - 5 })],
	};
	let counted = 0;
	for (const [kind, [name, its, other]] of Object.entries(cases)) {
		assert.deepEqual(status(await askAll(its)), [200], kind);
		const number = await done(kind, name, '--issuer', ISSUER, '--reason', 'a test');
		await new Promise((resolve) => setTimeout(resolve, 300));
		const refused = await askAll(its);
		assert.deepEqual(status(refused), [401], kind);
		assert.match(refused[0].headers['www-authenticate'], /error="invalid_token".*revoked/);
		assert.equal((await ask(other)).status, 200, `${kind}: another is not meant`);
		const metrics = (await request(`http://${stack.admin}/metrics`)).text;
		const n = Number(/^haward_verdict_reasons_total\{reason="token_revoked"\} (\d+)$/m.exec(metrics)?.[1]);
		assert.ok(n > counted, `${kind}: counted`);
		counted = n;
		await done('remove', number);
		await new Promise((resolve) => setTimeout(resolve, 300));
		assert.deepEqual(status(await askAll(its)), [200], `${kind}: taken back`);
	}
	const acts = (await stack.book()).filter((one) => one.admin?.action?.startsWith('revocation.') || one.action?.startsWith('revocation.'));
	assert.ok(acts.length >= 8, `${acts.length} acts in the book`);
});

test('a user who signs in again after the revocation is welcome', async (t) => {
	await up(t);
	const old = await mint(key, claims('anna', { iat: now() - 60 }));
	assert.equal((await ask(old)).status, 200);
	await done('subject', 'anna', '--issuer', ISSUER, '--until', 'now-10s');
	await eventually('the old token to be refused', async () => (await ask(old)).status === 401);
	assert.equal((await ask(await mint(key, claims('anna', { iat: now() })))).status, 200);
});

test('a key that leaked takes everything with it that it signed', async (t) => {
	await up(t);
	const token = await mint(key, claims('anna'));
	assert.equal((await ask(token)).status, 200);
	await stack.api.expect(201, 'POST', '/api/v1/revocations', { body: { kind: 'key', issuer: ISSUER, name: 'k-1', reason: 'leaked' } });
	assert.deepEqual(status(await askAll(token)), [401]);
	// one that does not name the key was signed by it all the same
	const nameless = await mint(key, claims('berta'), { kid: undefined });
	const answer = await ask(nameless);
	assert.equal(answer.status, 401);
	const event = await stack.event(answer.headers['haward-event'], { outcome: false });
	assert.equal(event.reason, 'token_revoked');
});

test('the API: in force when it answers, listed, taken back; auditors look, admins act', async (t) => {
	await up(t);
	const { api } = stack;
	const token = await mint(key, claims('anna', { jti: 't-9' }));
	assert.equal((await ask(token)).status, 200);
	const made = (await api.expect(201, 'POST', '/api/v1/revocations', { body: { kind: 'token', issuer: ISSUER, name: 't-9' } })).json();
	assert.deepEqual(status(await askAll(token)), [401]);
	assert.equal(made.author, 'root');
	const page = await api.get('/api/v1/revocations', { limit: 1 });
	assert.deepEqual(page.items, [made]);
	await api.expect(204, 'DELETE', `/api/v1/revocations/${made.id}`);
	assert.deepEqual(status(await askAll(token)), [200]);
	await api.expect(404, 'DELETE', `/api/v1/revocations/${made.id}`);
	for (const body of [
		{ kind: 'tokens', issuer: ISSUER, name: 'x' },
		{ kind: 'token', issuer: '', name: 'x' },
		{ kind: 'token', issuer: ISSUER, name: 'x', until: '2026-01-01T00:00:00Z' },
		{ kind: 'subject', issuer: ISSUER, name: 'x', until: '2199-01-01T00:00:00Z' },
		{ kind: 'token', issuer: ISSUER, name: 'x', expires_at: '2020-01-01T00:00:00Z' },
		{ kind: 'token', issuer: ISSUER, name: 'x', expires_at: 'soon' },
	]) await api.expect(422, 'POST', '/api/v1/revocations', { body });
	await api.expect(201, 'POST', '/api/v1/admins', { body: { username: 'olga', password: 'a quiet river bend', roles: ['auditor'] } });
	await api.signIn('olga', 'a quiet river bend');
	await api.get('/api/v1/revocations');
	await api.expect(403, 'POST', '/api/v1/revocations', { body: { kind: 'token', issuer: ISSUER, name: 'x' } });
});

test('explain, token verify and a trial know what the agent has revoked', async (t) => {
	await up(t);
	const token = await mint(key, claims('anna', { jti: 't-5' }));
	const file = path.join(stack.dir, 'asked.json');
	fs.writeFileSync(file, JSON.stringify(policySet(issuerEntry({ jwks: jwksOf(key) }))));
	const asked = async (args, input) => {
		const found = await stack.cli([...args, '--policy', file], { input });
		assert.equal(found.code, 0, found.stderr);
		return JSON.parse(found.stdout);
	};
	const data = ['--data', stack.dataDir];
	const question = { service: 'orders', method: 'GET', path: '/orders/7', authorization: `Bearer ${token}` };
	const explain = async (args = data) => (await asked(['explain', ...args], JSON.stringify(question))).reason;
	const verify = async (args = data) => (await asked(['token', 'verify', ...args], token)).reason;
	const trial = async () => (await stack.api.expect(200, 'POST', '/api/v1/policy-set/evaluations',
		{ body: { request: { method: 'GET', path: '/orders/7', claims: { iss: ISSUER, sub: 'anna', jti: 't-5' } } } })).json().reason;
	assert.deepEqual([await explain(), await verify(), await trial()], ['policy_allowed', 'valid', 'policy_allowed']);
	await done('token', 't-5', '--issuer', ISSUER);
	await eventually('the agent to refuse it', async () => (await ask(token)).status === 401, { ms: 2000, every: 50 });
	assert.deepEqual([await explain(), await verify(), await trial()], ['token_revoked', 'token_revoked', 'token_revoked']);
	assert.deepEqual([await explain([]), await verify([])], ['policy_allowed', 'valid'], 'without --data nothing is known of it');
	for (const [args, code, text] of [
		[['explain', '--policy', file, '--data', path.join(stack.dir, 'none')], 66, /no agent keeps anything/],
		[['token', 'verify', '--policy', file, '--data', stack.dir], 1, /no agent keeps anything/],
		[['token', 'verify', '--jwks', file, ...data], 64, /--data goes with --policy/],
	]) {
		const found = await stack.cli(args, { input: '' });
		assert.equal(found.code, code, found.stderr);
		assert.match(found.stderr, text);
	}
});

test('a revocation outlives a kill, and ends with its time', async (t) => {
	await up(t);
	const token = await mint(key, claims('anna', { jti: 't-3' }));
	await done('token', 't-3', '--issuer', ISSUER, '--for', '3s');
	await eventually('it to be refused', async () => (await ask(token)).status === 401, { ms: 2000, every: 50 });
	await eventually('it to be good again', async () => (await ask(token)).status === 200, { ms: 10000, every: 200 });
	await done('token', 't-3', '--issuer', ISSUER);
	await stack.haward.stop({ signal: 'SIGKILL' });
	await stack.startHaward();
	await stack.flowing();
	assert.equal((await ask(token)).status, 401);
});

test('what is not understood is said, and nothing is done', async (t) => {
	await up(t);
	for (const [words, text] of [
		[['tokens', 'x', '--issuer', ISSUER], /are known/],
		[['token', 'x'], /--issuer/],
		[['token', 'x', '--issuer', ISSUER, '--until', 'now'], /--until/],
		[['subject', 'x', '--issuer', ISSUER, '--until', 'later'], /--until/],
		[['token', 'x', '--issuer', ISSUER, '--for', '1y'], /--for/],
		[['token', 'x', '--issuer', ISSUER, '--for', '0s'], /expires/],
		[['remove', 'x'], /number/],
	]) {
		const found = await revoke(...words);
		assert.equal(found.code, 64, words.join(' '));
		assert.match(found.stderr, text);
	}
	const gone = await revoke('remove', '17');
	assert.equal(gone.code, 1);
	assert.match(gone.stderr, /no revocation 17/);
	assert.equal(await done('list'), '');
});

test('the dashboard: revoked, listed and taken back; light and dark, wide and narrow', async (t) => {
	await up(t);
	const token = await mint(key, claims('anna', { jti: 't-5' }));
	assert.equal((await ask(token)).status, 200);
	const browser = await launch();
	t.after(() => browser.close());
	const page = await newPage(browser);
	await signInAt(page, stack, '/revocations');
	await page.getByRole('heading', { level: 1, name: 'Revocations' }).waitFor();
	await page.getByText('Nothing is revoked').waitFor();
	await isClean(page, 'empty');
	await page.getByRole('button', { name: /^Revoke/ }).click();
	await page.getByRole('radio', { name: /^Token/ }).check();
	await page.getByRole('textbox', { name: 'Issuer' }).fill(ISSUER);
	await page.getByRole('textbox', { name: /jti/ }).fill('t-5');
	await page.getByLabel('Reason').fill('lost laptop');
	await isClean(page, 'the dialog');
	await shoot(page, 'revoke-dialog-light-1280');
	await page.getByRole('dialog').getByRole('button', { name: 'Revoke', exact: true }).click();
	await page.getByRole('cell', { name: /^t-5/ }).waitFor();
	assert.deepEqual(status(await askAll(token)), [401]);
	for (let i = 0; i < 101; i++) await stack.api.expect(201, 'POST', '/api/v1/revocations', { body: { kind: i % 2 ? 'subject' : 'key', issuer: ISSUER, name: `other-${i}` } });
	await page.reload();
	await page.getByRole('cell', { name: /^other-100/ }).waitFor();
	await page.getByRole('button', { name: 'Show more' }).click();
	await page.getByRole('cell', { name: /^t-5/ }).waitFor();
	await isClean(page, 'many');
	await shoot(page, 'revocations-light-1280');
	await page.setViewportSize({ width: 390, height: 844 });
	await page.emulateMedia({ colorScheme: 'dark' });
	await isClean(page, 'narrow and dark');
	await shoot(page, 'revocations-dark-390');
	await page.getByRole('button', { name: 'Take back t-5' }).click();
	await isClean(page, 'taking back');
	await page.getByRole('button', { name: 'Take the revocation back' }).click();
	await page.getByRole('dialog').waitFor({ state: 'detached' });
	await eventually('the token to be good again', async () => (await ask(token)).status === 200);
});
