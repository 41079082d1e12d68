// Policies in force for some, and as shadows, on live traffic: who is chosen stays chosen, verdicts of the others do
// not change, and what would change is counted, shown and found in the book. Roles decide on the way.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessibility, launch, newPage, overflow, shoot } from './support/browser.mjs';
import { bearer, request } from './support/http.mjs';
import { claims, jwksOf, makeKey, mint } from './support/issuer.mjs';
import { issuerEntry, policySet } from './support/policies.mjs';
import { Stack } from './support/stack.mjs';
import { eventually } from './support/wait.mjs';

const USERS = 40;
const paths = [{ operation: { methods: ['GET'], paths: ['/orders/{id}'] } }];
const readers = {
	name: 'reader', description: 'reads orders', bindings: [{ groups: ['staff'] }],
	permissions: [{ services: ['orders'], operations: [{ methods: ['GET'], paths: ['/orders/{id}'] }] }],
};

const set = (key, policies) => ({ ...policySet(issuerEntry({ jwks: jwksOf(key), claims: { groups: 'groups' } }), policies), roles: [readers] });

const some = { name: 'lock-down', action: 'DENY', percent: 50, services: ['orders'], rules: [{ to: paths }] };
const shadow = { name: 'try-deletes', action: 'ALLOW', mode: 'shadow', services: ['orders'], rules: [{ to: [{ operation: { methods: ['DELETE'] } }] }] };
const idle = { name: 'never-asked', action: 'ALLOW', services: ['orders'], rules: [{ to: [{ operation: { paths: ['/orders/nobody'] } }] }] };

async function ask(stack, tokens) {
	const answers = [];
	for (const token of tokens) answers.push(await stack.get('/orders/1', bearer(token)));
	return answers;
}

test('a policy for half of the callers: the same half each time, a shadow for the others, counted', async (t) => {
	const key = await makeKey();
	const stack = await Stack.up(t, { name: 'rollout', policy: set(key, [some, shadow, idle]), settings: { spop: { workers: 2 } } });
	const api = await stack.signIn();
	const tokens = await Promise.all(Array.from({ length: USERS }, (_, i) => mint(key, claims(`user-${i}`, { groups: ['staff'] }))));
	const first = await ask(stack, tokens);
	const denied = first.filter((a) => a.status === 403).length;
	assert.ok(denied > USERS / 5 && denied < USERS * 4 / 5, `${denied} of ${USERS} are denied`);
	assert.equal(first.filter((a) => a.status === 200).length, USERS - denied);

	const events = await eventually('all in the book', async () => {
		const found = await stack.book('path:/orders/1');
		return found.length >= USERS && found;
	});
	for (const e of events) {
		assert.equal(e.policy, e.verdict === 'deny' ? 'lock-down' : 'role:reader');
		assert.deepEqual(e.shadow ?? null, e.verdict === 'deny' ? null : { verdict: 'deny', policy: 'lock-down' });
	}
	assert.equal((await stack.get('/orders/1', bearer(tokens[0]), { method: 'DELETE' })).status, 403);

	const list = await eventually('the counts', async () => {
		const now = await api.get('/api/v1/policies');
		return now.items[1].hits.would_change === 1 && now;
	});
	const [half, shadowed, never] = list.items;
	assert.equal(half.percent, 50);
	assert.equal(half.hits.matched, USERS);
	assert.equal(half.hits.decided, denied);
	assert.equal(half.hits.would_change, USERS - denied);
	assert.equal(shadowed.hits.decided, 0);
	assert.equal(never.hits.last_at, null);
	assert.ok(Date.parse(never.hits.since) <= Date.now());
	assert.equal(list.roles[0].hits.decided, USERS - denied);
	const metrics = (await request(`http://${stack.admin}/metrics`)).text;
	assert.ok(metrics.includes(`haward_policy_decided_total{policy="lock-down"} ${denied}\n`));
	assert.ok(metrics.includes(`haward_policy_would_change_total{policy="try-deletes"} 1\n`));

	// Replay of the same traffic says the same, and foretells what more of them will see.
	const replay = async (policies) => {
		const asked = (await api.expect(202, 'POST', '/api/v1/replays', { body: { text: JSON.stringify(set(key, policies)), q: 'path:/orders/*' } })).json();
		const done = await eventually('the report', async () => {
			const found = await api.get(`/api/v1/replays/${asked.id}`);
			return found.state === 'done' && found.report.counts;
		});
		return [done.newly_denied, done.newly_allowed, done.cannot_tell];
	};
	const { percent: _, ...all } = some;
	const { mode: __, ...enforced } = shadow;
	assert.deepEqual(await replay([all, shadow, idle]), [half.hits.would_change, 0, 0]);
	assert.deepEqual(await replay([some, enforced, idle]), [0, shadowed.hits.would_change, 0]);
	const [foretold] = await replay([{ ...some, percent: 75 }, shadow, idle]);

	// Another version: counts go on. Another process: the same half.
	await api.publish(set(key, [idle, { ...some, percent: 75 }, shadow]), 'a few more');
	const second = await ask(stack, tokens);
	first.forEach((a, i) => assert.ok(a.status === 200 || second[i].status === 403, `user-${i} stays in`));
	const more = second.filter((a) => a.status === 403).length;
	assert.equal(more, denied + foretold);
	const kept = (await api.get('/api/v1/policies')).items.find((p) => p.name === 'lock-down');
	assert.equal(kept.hits.decided, denied + more);
	await stack.haward.stop();
	await stack.startHaward();
	await stack.flowing();
	assert.deepEqual((await ask(stack, tokens)).map((a) => a.status), second.map((a) => a.status));
});

test('the page shows what shadows would change, and what nobody has hit', async (t) => {
	const key = await makeKey();
	const stack = await Stack.up(t, { name: 'rollout-page', policy: set(key, [some, shadow, idle]) });
	const browser = await launch();
	t.after(() => browser.close());
	const page = await newPage(browser);
	const home = (path) => `http://${stack.admin}${path}`;
	await page.goto(await eventually('the setup link', () => stack.setupLink()));
	await page.getByLabel('Account').fill('root');
	await page.getByLabel('Password', { exact: false }).first().fill('correct horse battery');
	await page.getByLabel('Password again').fill('correct horse battery');
	await page.getByRole('button', { name: 'Make the account' }).click();
	await page.getByRole('heading', { level: 1, name: 'Decisions' }).waitFor();
	const tokens = await Promise.all(Array.from({ length: 10 }, (_, i) => mint(key, claims(`user-${i}`, { groups: ['staff'] }))));
	await ask(stack, tokens);
	const clean = async (what) => {
		assert.deepEqual(page.problems, [], what);
		assert.deepEqual(await accessibility(page), [], what);
		assert.equal(await overflow(page), 0, `${what}: nothing is wider than the window`);
	};
	await page.goto(home('/policies'));
	const row = (name) => page.locator('tbody tr').filter({ hasText: name });
	await row('lock-down').getByText('50 % enforce').waitFor();
	await row('lock-down').getByText(/\d+ would change/).waitFor();
	await row('never-asked').getByText('never since').waitFor();
	await row('reader').getByText('reads orders').waitFor();
	await row('lock-down').getByText('One rule').click();
	await row('lock-down').getByText('/orders/{id}').waitFor();
	await clean('policies');
	await shoot(page, 'rollout-light-1280');
	await page.getByLabel('Which').selectOption('never');
	assert.deepEqual(await page.locator('tbody strong').allInnerTexts(), ['try-deletes', 'never-asked']);
	await page.getByRole('searchbox').fill('shadow');
	assert.deepEqual(await page.locator('tbody strong').allInnerTexts(), ['try-deletes']);
	await page.getByRole('searchbox').fill('nothing like it');
	await page.getByText('No policy is like that').waitFor();
	await page.getByLabel('Which').selectOption('all');
	await page.getByRole('searchbox').fill('');
	await row('lock-down').getByRole('link', { name: /As a shadow/ }).click();
	await page.locator('tbody tr').first().waitFor();
	await page.emulateMedia({ colorScheme: 'dark' });
	await page.setViewportSize({ width: 390, height: 844 });
	await page.goto(home('/policies'));
	await row('lock-down').getByText('50 % enforce').waitFor();
	await clean('policies, narrow and dark');
	await shoot(page, 'rollout-dark-390');
});
