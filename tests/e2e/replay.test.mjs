// Recorded traffic against a draft: what the command line, the API and the page say agree with what then happens.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Api } from './support/api.mjs';
import { accessibility, launch, newPage, overflow, shoot, signInAt } from './support/browser.mjs';
import { bearer } from './support/http.mjs';
import { claims, jwksOf, makeKey, mint } from './support/issuer.mjs';
import { issuerEntry, policySet, readOrders } from './support/policies.mjs';
import { Stack } from './support/stack.mjs';
import { eventually } from './support/wait.mjs';

let stack, key, api;
const open = () => policySet(issuerEntry({ jwks: jwksOf(key) }), [readOrders({ methods: ['GET', 'PUT'] })]);
const tight = () => policySet(issuerEntry({ jwks: jwksOf(key) }), [readOrders({ methods: ['GET', 'DELETE'] })]);
const byClaim = () => {
	const set = tight();
	set.policies[0].rules[0].when = [{ key: 'request.auth.claims[department]', values: ['sales'] }];
	return set;
};

before(async () => {
	key = await makeKey();
	stack = await Stack.up(null, { name: 'replay', policy: open() });
	api = await stack.signIn();
	const [alice, bob] = [await mint(key), await mint(key, claims('bob'))];
	let last;
	for (const [token, method, status] of [
		[alice, 'GET', 200], [alice, 'PUT', 200], [bob, 'PUT', 200], [bob, 'DELETE', 403], [undefined, 'GET', 401],
	]) {
		last = await stack.get('/orders/17', token ? bearer(token) : {}, { method });
		assert.equal(last.status, status, method);
	}
	await stack.get('/orders/17', bearer('e30.e30.e30'));
	await stack.event(last.headers['haward-event'], { outcome: false });
});

after(() => stack?.down());

async function signedIn(username, role) {
	const password = 'correct horse battery';
	await api.expect(201, 'POST', '/api/v1/admins', { body: { username, password, roles: [role] } });
	const other = new Api(stack.admin);
	await other.signIn(username, password);
	return other;
}

// Without what the start of the stack asked for.
const orders = 'path:/orders/*';

async function replay(body) {
	const asked = (await api.expect(202, 'POST', '/api/v1/replays', { body: { q: orders, ...body } })).json();
	return eventually('the report', async () => {
		const found = await api.get(`/api/v1/replays/${asked.id}`);
		return ['done', 'failed', 'cancelled'].includes(found.state) && found;
	});
}

test('a draft is judged by what was recorded', async () => {
	const done = await replay({ text: JSON.stringify(tight()) });
	assert.equal(done.state, 'done');
	const { counts, users, changes } = done.report;
	assert.deepEqual({ ...counts }, { considered: 6, unchanged: 2, newly_denied: 2, newly_allowed: 1, other_change: 0, cannot_tell: 0, not_judged: 1 });
	assert.deepEqual(users.map((u) => [u.name, u.newly_denied, u.newly_allowed]).sort(), [['alice', 1, 0], ['bob', 1, 1]]);
	assert.deepEqual(changes.map((c) => [c.user, c.method, c.class]), [['bob', 'DELETE', 'newly_allowed'], ['bob', 'PUT', 'newly_denied'], ['alice', 'PUT', 'newly_denied']]);
	assert.equal(changes[0].now.policy, 'read-orders');

	const one = await replay({ text: JSON.stringify(tight()), q: `${orders} user:alice` });
	assert.deepEqual([one.report.counts.considered, one.report.counts.newly_denied], [2, 1]);
	const capped = await replay({ text: JSON.stringify(tight()), limit: '1' });
	assert.deepEqual([capped.report.counts.considered, capped.report.capped], [1, true]);
	const same = await replay({ version: '1' });
	assert.deepEqual([same.report.counts.unchanged, same.report.counts.not_judged], [5, 1]);
});

test('claims are not in the book: who they would let in nobody can tell', async () => {
	const { report } = await replay({ text: JSON.stringify(byClaim()) });
	assert.deepEqual([report.counts.cannot_tell, report.counts.newly_denied, report.counts.unchanged], [2, 2, 1]);
	assert.ok(Object.keys(report.reasons).some((why) => /claim/.test(why)));
});

test('the command line says the same', async () => {
	const file = path.join(stack.dir, 'tight.json');
	fs.writeFileSync(file, JSON.stringify(tight()));
	const found = await stack.cli(['replay', '--policy', file, '--data', stack.dataDir, '--filter', orders, '--json']);
	assert.equal(found.code, 1, found.stderr);
	assert.equal(JSON.parse(found.stdout).counts.newly_denied, 2);
	const text = await stack.cli(['replay', '--policy', file, '--data', stack.dataDir, '--filter', orders]);
	assert.match(text.stdout, /^ +2 {2}newly denied$/m);
	assert.match(text.stdout, /bob {2}orders DELETE \/orders\/17 {2}deny \(no_policy_matched\) -> allow \(read-orders\)/);
});

test('what is wrong is said, and who may not ask is refused', async () => {
	const cases = [
		[{}, 400, /either 'text' or 'version'/],
		[{ version: '99' }, 404, /no such version/],
		[{ text: '{"policies":[{}]}' }, 422, /errors/],
		[{ version: '1', q: 'nonsense:1' }, 400, /nonsense/],
		[{ version: '1', from: 'yesterday-ish' }, 400, /'from' is no time/],
		[{ version: '1', limit: '0' }, 400, /'limit'/],
	];
	for (const [body, status, text] of cases) {
		assert.match((await api.expect(status, 'POST', '/api/v1/replays', { body })).text, text);
	}
	await api.expect(404, 'GET', '/api/v1/replays/00000000000000000000000000');
	const auditors = await replay({ version: '1' });
	const editor = await signedIn('ed', 'editor');
	await editor.expect(403, 'POST', '/api/v1/replays', { body: { version: '1', q: 'user:alice' } });
	assert.equal((await editor.get(`/api/v1/replays/${auditors.id}`)).report.users, null, 'an editor sees no people');
	const viewer = await signedIn('vi', 'viewer');
	await viewer.expect(403, 'GET', '/api/v1/replays');
	const { items } = await api.get('/api/v1/replays');
	assert.ok(items.length >= 2 && !('report' in items[0]));
	await api.expect(204, 'DELETE', `/api/v1/replays/${auditors.id}`);
	await api.expect(404, 'GET', `/api/v1/replays/${auditors.id}`);
	await eventually('the acts', async () => {
		const acts = (await api.get('/api/v1/admin-events', { limit: 100 })).items.map((e) => e.action);
		return acts.includes('policy.replay') && acts.includes('policy.replay_cancel');
	});
});

test('the page shows the impact before publishing, and publishing shows it again', async () => {
	const browser = await launch();
	try {
		for (const [width, dark] of [[1280, false], [390, true]]) {
			const page = await newPage(browser, { width, dark });
			await signInAt(page, stack, '/');
			await page.getByRole('heading', { level: 1, name: 'Decisions' }).waitFor();
			await page.evaluate((work) => sessionStorage.setItem('policy-work', work), JSON.stringify({ user: 'root', text: JSON.stringify(tight(), null, 2), base: '1', etag: '' }));
			await page.goto(`http://${stack.admin}/policies?tab=impact`);
			await page.getByText('by your changed text').waitFor();
			await page.getByLabel('Filter, as on').fill(orders);
			await page.getByRole('button', { name: 'Replay' }).click();
			await page.getByText('3 of 6 decisions would be the opposite').waitFor();
			await page.getByRole('button', { name: 'Newly allowed' }).click();
			await page.locator('.changes summary').first().click();
			await page.getByRole('heading', { name: 'It would be' }).waitFor();
			await shoot(page, `impact-${dark ? 'dark' : 'light'}-${width}`);
			assert.deepEqual(page.problems, []);
			assert.deepEqual(await accessibility(page), []);
			assert.equal(await overflow(page), 0);
			await page.getByRole('link', { name: 'Source' }).click();
			await page.getByRole('button', { name: /^Publish/ }).click();
			await page.getByText('2 would be newly denied and 1 newly allowed').waitFor();
			await page.context().close();
		}
	} finally {
		await browser.close();
	}
});
