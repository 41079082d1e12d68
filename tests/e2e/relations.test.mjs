// Who owns what, kept while the agent runs: written and deleted by the command line, asked for by a condition.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { isClean, launch, newPage, shoot, signInAt } from './support/browser.mjs';
import { claims, jwksOf, makeKey, mint } from './support/issuer.mjs';
import { bearer } from './support/http.mjs';
import { issuerEntry, policySet } from './support/policies.mjs';
import { Stack } from './support/stack.mjs';
import { eventually } from './support/wait.mjs';

let key;
before(async () => {
	key = await makeKey('RS256', 'k-1');
});

const types = { user: {}, group: { member: { types: ['user'] } },
	order: { owner: { types: ['user'] }, viewer: { types: ['group#member'], rewrite: { union: [{ this: true }, { computed: 'owner' }] } } } };
const own = { name: 'own-orders', action: 'ALLOW', services: ['orders'],
	rules: [{ to: [{ operation: { methods: ['GET'], paths: ['/orders/{id}'] } }], condition: "related('order:' + path.id, 'viewer', 'user:' + user)" }] };

test('a relation that is written counts within 300 ms in every worker, and one that is deleted no longer', async (t) => {
	const stack = await Stack.up(t, { policy: { ...policySet(issuerEntry({ jwks: jwksOf(key) }), [own]), types }, settings: { spop: { workers: 3 } } });
	const tokens = Object.fromEntries(await Promise.all(['anne', 'bob'].map(async (sub) => [sub, await mint(key, claims(sub))])));
	const asked = async (who, order) => [...new Set((await Promise.all(Array.from({ length: 12 }, () => stack.get(`/orders/${order}`, bearer(tokens[who]))))).map((a) => a.status))];
	const relation = (act, words, input) => stack.cli(['relation', act, '--data', stack.dataDir, ...words], input === undefined ? {} : { input });
	const wait = () => new Promise((resolve) => setTimeout(resolve, 300));

	assert.deepEqual(await asked('anne', 17), [403]);
	assert.equal((await relation('write', ['order:17#owner@user:anne', 'order:18#viewer@group:eu#member', 'group:eu#member@user:bob'])).stdout.trim(), '3');
	await wait();
	assert.deepEqual(await asked('anne', 17), [200]);
	assert.deepEqual(await asked('bob', 17), [403]);
	assert.deepEqual(await asked('bob', 18), [200]);
	assert.equal((await relation('list', ['--subject', 'user:'])).stdout, 'order:17#owner@user:anne\ngroup:eu#member@user:bob\n');
	assert.equal((await relation('write', ['order:17#owner@user:anne'])).stdout.trim(), '0');

	const wrong = await relation('write', ['order:19#owner@user:anne', 'order:#owner@user:anne']);
	assert.equal(wrong.code, 65);
	assert.match(wrong.stderr, /^argument:2:7: an id is/);
	assert.equal((await relation('list', ['--object', 'order:19'])).stdout, '');

	assert.equal((await relation('delete', ['order:17#owner@user:anne'])).stdout.trim(), '1');
	await wait();
	assert.deepEqual(await asked('anne', 17), [403]);
	await eventually('the acts and the missing tuple to be in the book', async () => {
		const text = JSON.stringify(await stack.book());
		return text.includes('relation.write') && text.includes('relation.delete') && text.includes('no tuple order:17#viewer@user:anne');
	});
});

const up = (t) => Stack.up(t, { policy: { ...policySet(issuerEntry({ jwks: jwksOf(key) }), [own]), types }, settings: { spop: { workers: 3 } } });

test('the API: written, listed, checked and deleted, in force when it answers', async (t) => {
	const stack = await up(t);
	await stack.signIn();
	const { api } = stack;
	const anne = bearer(await mint(key, claims('anne')));
	const status = async () => (await stack.get('/orders/17', anne)).status;
	const write = (relations, code = 200, to = '') => api.expect(code, 'POST', `/api/v1/relations${to}`, { body: { relations } });

	assert.equal(await status(), 403);
	assert.deepEqual(await api.get('/api/v1/relations'), { items: [], next_cursor: null, exhausted: true });
	assert.equal((await write(['order:17#owner@user:anne', 'order:18#viewer@group:eu#member', 'group:eu#member@user:bob'])).json().changed, 3);
	assert.equal(await status(), 200);
	assert.equal((await write(['order:17#owner@user:anne'])).json().changed, 0);

	const first = await api.get('/api/v1/relations', { limit: 2 });
	assert.deepEqual(first.items[1], { object: 'order:17', relation: 'owner', subject: 'user:anne' });
	const rest = await api.get('/api/v1/relations', { cursor: first.next_cursor });
	assert.deepEqual(rest, { items: [{ object: 'order:18', relation: 'viewer', subject: 'group:eu#member' }], next_cursor: null, exhausted: true });
	assert.equal((await api.get('/api/v1/relations', { subject: 'user:' })).items.length, 2);
	await api.expect(400, 'GET', '/api/v1/relations', { query: { cursor: 'x' } });

	const check = async (object, relation, subject) => (await api.expect(200, 'POST', '/api/v1/relations/checks', { body: { object, relation, subject } })).json().allowed;
	assert.equal(await check('order:18', 'viewer', 'user:bob'), true);
	assert.equal(await check('order:17', 'viewer', 'user:anne'), true);
	assert.equal(await check('order:17', 'viewer', 'user:bob'), false);
	for (const body of [{ object: 'order:17', relation: 'nothing', subject: 'user:a' }, { object: 'x:1', relation: 'owner', subject: 'user:a' }, { object: 'order', relation: 'owner', subject: 'user:a' }])
		await api.expect(422, 'POST', '/api/v1/relations/checks', { body });
	for (const relations of [[], ['order:17'], ['order:1#owner@user:a', 7], [`order:${'x'.repeat(240)}#owner@user:${'y'.repeat(256)}`], Array(1001).fill('order:1#owner@user:a')])
		await write(relations, 422);

	// the trial knows them, too
	const trial = (sub) => api.expect(200, 'POST', '/api/v1/policy-set/evaluations', { body: { request: { method: 'GET', host: 'shop', path: '/orders/17', claims: claims(sub) } } });
	assert.equal((await trial('anne')).json().verdict, 'allow');
	assert.equal((await trial('bob')).json().verdict, 'deny');

	assert.equal((await write(['order:17#owner@user:anne', 'order:99#owner@user:anne'], 200, '/deletions')).json().changed, 1);
	assert.equal(await status(), 403);
	await api.expect(201, 'POST', '/api/v1/admins', { body: { username: 'olga', password: 'a quiet river bend', roles: ['auditor'] } });
	await api.signIn('olga', 'a quiet river bend');
	await api.get('/api/v1/relations');
	await write(['order:17#owner@user:olga'], 403);
});

test('the dashboard: added, filtered, checked and deleted; light and dark, wide and narrow', async (t) => {
	const stack = await up(t);
	await stack.signIn();
	const browser = await launch();
	t.after(() => browser.close());
	const page = await newPage(browser);
	await signInAt(page, stack, '/relations');
	await page.getByText('There are no relations yet').waitFor();
	await isClean(page, 'empty');
	await page.getByRole('button', { name: /^Add/ }).click();
	await page.getByRole('textbox', { name: 'Relations' }).fill('order:17#owner@user:anne\norder:18#viewer@group:eu#member\ngroup:eu#member@user:bob');
	await isClean(page, 'adding');
	await shoot(page, 'relations-add-light-1280');
	await page.getByRole('dialog').getByRole('button', { name: 'Add', exact: true }).click();
	await page.getByRole('cell', { name: 'order:17', exact: true }).waitFor();
	await page.getByRole('button', { name: /^Check/ }).click();
	await page.getByRole('textbox', { name: /^Object/ }).fill('order:18');
	await page.getByRole('textbox', { name: /^Relation/ }).fill('viewer');
	await page.getByRole('textbox', { name: /^Subject/ }).fill('user:bob');
	await page.getByRole('dialog').getByRole('button', { name: 'Check', exact: true }).click();
	await page.getByText('Yes: relations say so.').waitFor();
	await isClean(page, 'checked');
	await shoot(page, 'relations-check-light-1280');
	await page.keyboard.press('Escape');
	await shoot(page, 'relations-light-1280');
	await page.setViewportSize({ width: 390, height: 844 });
	await page.emulateMedia({ colorScheme: 'dark' });
	await page.getByRole('searchbox').fill('@user:anne');
	await page.getByRole('cell', { name: 'order:18', exact: true }).waitFor({ state: 'detached' });
	await isClean(page, 'filtered, narrow and dark');
	await shoot(page, 'relations-dark-390');
	await page.getByRole('button', { name: 'Delete order:17#owner@user:anne' }).click();
	await isClean(page, 'deleting');
	await page.getByRole('button', { name: 'Delete the relation' }).click();
	await page.getByText('No relation is like this').waitFor();
});
