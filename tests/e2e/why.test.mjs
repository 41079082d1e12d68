// Why, in full: by the command line and by the API.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { isClean, launch, newPage, shoot, signInAt } from './support/browser.mjs';
import { bearer } from './support/http.mjs';
import { claims, ISSUER, jwksOf, makeKey, mint } from './support/issuer.mjs';
import { issuerEntry, policySet } from './support/policies.mjs';
import { run } from './support/proc.mjs';
import { sanitizers, Stack } from './support/stack.mjs';
import { haward, tempDir } from './support/where.mjs';

const types = { user: {}, order: { owner: { types: ['user'] } } };
const own = { name: 'own-orders', action: 'ALLOW', services: ['orders'],
	rules: [{ to: [{ operation: { methods: ['GET'], paths: ['/orders/{id}'] } }], condition: "related('order:' + path.id, 'owner', 'user:' + user)" }] };

test('explain --verbose tells every policy, and --tuples what related() finds', async (t) => {
	const dir = tempDir(t, 'why');
	const put = (name, text) => (fs.writeFileSync(path.join(dir, name), text), path.join(dir, name));
	const policy = put('policy.json', JSON.stringify({ ...policySet(issuerEntry({ jwks: jwksOf(await makeKey()) }), [own, { name: 'off', action: 'DENY', mode: 'disabled', rules: [{}] }]), types }));
	const tuples = put('tuples.jsonl', 'order:17#owner@user:anne\n["order:18","owner","user:bob"]\norder:19#reader@user:anne\n');
	const explain = (args, request) => run(haward, ['explain', '--policy', policy, ...args], { input: `${JSON.stringify(request)}\n`, env: sanitizers });
	const asked = (sub, id) => ({ method: 'GET', path: `/orders/${id}`, claims: claims(sub) });

	const found = await explain(['--verbose', '--tuples', tuples], asked('anne', 17));
	const allowed = JSON.parse(found.stdout);
	assert.match(found.stderr, /tuples.jsonl:3: left out/);
	assert.equal(allowed.verdict, 'allow', found.stdout);
	assert.deepEqual(allowed.trace.winner, { policy: 'own-orders', rule: '/policies/0/rules/0' });
	const [first, off] = allowed.trace.policies;
	assert.deepEqual([first.result, first.rules[0].decided, first.rules[0].expression.value, off.not_for], ['matched', true, 'true', 'disabled']);
	assert.ok(first.rules[0].expression.reads.some((r) => r.name === 'path.id' && r.value === '17'));

	const denied = JSON.parse((await explain(['-v', '-t', tuples], asked('anne', 18))).stdout);
	assert.equal(denied.verdict, 'deny');
	assert.equal(denied.trace.winner, null);
	assert.equal(denied.trace.policies[0].rules[0].failed, 'condition');
	assert.match(denied.trace.policies[0].rules[0].expression.value, /no tuple order:18#owner@user:anne/);

	// without relations the condition is an error, which grants nothing
	const unknown = JSON.parse((await explain(['-v'], asked('anne', 17))).stdout);
	assert.equal(unknown.verdict, 'deny');
	assert.equal(unknown.trace.policies[0].rules[0].expression.error, true);
	assert.match(unknown.trace.policies[0].rules[0].expression.note, /never grants/);
	assert.equal('trace' in JSON.parse((await explain([], asked('anne', 17))).stdout), false);
	assert.equal((await explain(['-t', path.join(dir, 'none')], asked('anne', 17))).code, 66);
	assert.equal((await explain(['-t', put('bad.txt', 'order:17\n')], asked('anne', 17))).code, 65);
});

const may = { name: 'readers', action: 'ALLOW', services: ['orders'], rules: [
	{ from: [{ source: { requestPrincipals: [`${ISSUER}/anne`] } }], to: [{ operation: { methods: ['GET'], paths: ['/orders/{id}'] } }] },
	{ to: [{ operation: { methods: ['GET'], paths: ['/orders/{id}'] } }], when: [{ key: 'request.headers[x-team]', values: ['blue'] }] },
] };

test('a recorded decision is judged once more, and says what is not recorded', async (t) => {
	const key = await makeKey('RS256', 'k-1');
	const stack = await Stack.up(t, { name: 'why', policy: policySet(issuerEntry({ jwks: jwksOf(key) }), [may]) });
	await stack.signIn();
	const { api } = stack;
	const tokens = Object.fromEntries(await Promise.all(['anne', 'bob'].map(async (sub) => [sub, await mint(key, claims(sub))])));
	const eventOf = async (sub, headers = {}) => {
		const id = (await stack.get('/orders/17', { ...bearer(tokens[sub]), ...headers })).headers['haward-event'];
		await stack.event(id);
		return id;
	};
	const verbose = (id, code = 200) => api.expect(code, 'GET', `/api/v1/decisions/${id}`, { query: { verbose: 'true' } });

	const anne = (await verbose(await eventOf('anne'))).json();
	assert.deepEqual([anne.verdict, anne.rejudged.kept, anne.rejudged.class, anne.rejudged.text], ['allow', true, 'unchanged', null]);
	assert.deepEqual(anne.rejudged.trace.winner, { policy: 'readers', rule: '/policies/0/rules/0' });
	assert.ok(anne.rejudged.not_recorded.includes('header fields'));
	assert.equal(String(anne.rejudged.trace.policy_version), anne.policy_version);

	// it was a header field that let bob in, which no book keeps
	const bob = (await verbose(await eventOf('bob', { 'x-team': 'blue' }))).json();
	assert.equal(bob.rejudged.class, 'cannot_tell');
	assert.match(bob.rejudged.text, /does not keep/);
	const [, second] = bob.rejudged.trace.policies[0].rules;
	assert.deepEqual([second.result, second.failed, second.when[0].known], ['failed', 'when[0] request.headers[x-team]', 'not_recorded']);

	assert.equal('rejudged' in (await api.expect(200, 'GET', `/api/v1/decisions/${anne.id}`)).json(), false);
	await api.expect(400, 'GET', `/api/v1/decisions/${anne.id}`, { query: { verbose: '1' } });

	// in the dashboard, in words
	const browser = await launch();
	t.after(() => browser.close());
	const page = await newPage(browser);
	await signInAt(page, stack, `/decisions/${bob.id}`);
	await page.getByText('Why in full').click();
	await page.getByText(/What is recorded does not suffice/).waitFor();
	await page.locator('.trace summary').first().click();
	await page.getByText('not recorded', { exact: true }).first().waitFor();
	await isClean(page, 'a decision');
	await shoot(page, 'why-decision-light-1280');
	await page.setViewportSize({ width: 390, height: 844 });
	await page.emulateMedia({ colorScheme: 'dark' });
	await isClean(page, 'a decision, narrow and dark');
	await shoot(page, 'why-decision-dark-390');

	await page.setViewportSize({ width: 1280, height: 900 });
	await page.emulateMedia({ colorScheme: 'light' });
	await page.goto(`http://${stack.admin}/policies?tab=try`);
	await page.getByLabel('Path').fill('/orders/17');
	await page.getByLabel('Claims of a verified token').fill(JSON.stringify(claims('anne')));
	await page.getByRole('button', { name: 'Try', exact: true }).last().click();
	await page.getByText('Why in full').first().click();
	await page.getByText('decided', { exact: true }).first().waitFor();
	await isClean(page, 'a trial');
	await shoot(page, 'why-try-light-1280');

	// who may not see people may not see why in full
	await api.expect(201, 'POST', '/api/v1/admins', { body: { username: 'vera', password: 'a quiet river bend', roles: ['viewer'] } });
	await api.signIn('vera', 'a quiet river bend');
	await verbose(anne.id, 403);
});
