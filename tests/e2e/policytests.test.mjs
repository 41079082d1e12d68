// The tests that policy sets carry: at the command line, in the way of a publication, and on their page.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { accessibility, launch, newPage, overflow, shoot } from './support/browser.mjs';
import { run } from './support/proc.mjs';
import { Stack } from './support/stack.mjs';
import { eventually } from './support/wait.mjs';
import { examples, haward, tempDir } from './support/where.mjs';

const folder = path.join(examples, 'policies');
const sets = fs.readdirSync(folder).filter((name) => name.endsWith('.json'));
const good = { apiVersion: 'haward/v1', services: [{ name: 'orders', hosts: ['api.example'] }], policies: [{ name: 'read', action: 'ALLOW', rules: [{ to: [{ operation: { methods: ['GET'] } }] }] }] };
const read = (name) => JSON.parse(fs.readFileSync(path.join(folder, name), 'utf8'));

test('the example policies pass their tests, and each test can fail', async (t) => {
	const dir = tempDir(t, 'policy-tests');
	assert.deepEqual(sets, ['learned-orders.json', 'order-service.json', 'own-orders.json', 'write-orders.json']);
	for (const name of sets) {
		const found = await run(haward, ['policy', 'test', path.join(folder, name)]);
		assert.equal(found.code, 0, found.stdout + found.stderr);
		const set = read(name);
		assert.match(found.stdout, new RegExp(`: ${set.tests.length} passed, 0 failed\n$`));
		assert.ok(set.tests.some((one) => one.expect.verdict === 'allow') && set.tests.some((one) => one.expect.verdict !== 'allow'));
		// what allows everything fails the tests that refuse, what denies everything the others
		for (const [action, verdict] of [['ALLOW', 'allow'], ['DENY', 'deny']]) {
			const file = path.join(dir, `${action}-${name}`);
			fs.writeFileSync(file, JSON.stringify({ ...set, policies: [{ name: 'all', action, rules: [{}] }] }));
			const broken = await run(haward, ['policy', 'test', file]);
			assert.equal(broken.code, 1, broken.stdout);
			for (const one of set.tests) if (one.expect.verdict !== verdict && one.expect.reason !== 'ambiguous_path') assert.ok(broken.stdout.includes(`FAILED ${one.name}\n`), `${name}: ${one.name}`);
		}
	}
});

test('a failure says what was expected and why it came otherwise; JUnit, check and exit codes', async (t) => {
	const dir = tempDir(t, 'policy-junit');
	const set = read('write-orders.json');
	set.tests = [set.tests[0], { ...set.tests[1], name: 'bob & <co>', expect: { verdict: 'allow', policy: 'write-orders' } }];
	const file = path.join(dir, 'set.json');
	const junit = path.join(dir, 'junit.xml');
	fs.writeFileSync(file, JSON.stringify(set));
	const found = await run(haward, ['policy', 'test', '--junit', junit, file]);
	assert.equal(found.code, 1);
	assert.match(found.stdout, /^ok {5}a user with the scope writes an order\nFAILED bob & <co>\n {4}verdict: expected "allow", got "deny"\n {4}policy: expected "write-orders", got null\n/);
	assert.match(found.stdout, /write-orders \/policies\/0\/rules\/0 failed: /);
	const xml = fs.readFileSync(junit, 'utf8');
	assert.match(xml, /<testsuite name="[^"]*set\.json" tests="2" failures="1" errors="0">/);
	assert.match(xml, /<testcase classname="[^"]*" name="bob &amp; &lt;co&gt;">\n {6}<failure message="verdict: expected &quot;allow&quot;, got &quot;deny&quot;; /);
	const checked = await run(haward, ['check', '--policy', file]);
	assert.notEqual(checked.code, 0);
	assert.match(checked.stderr, /set\.json:1:\d+: \/tests\/1: the test 'bob & <co>' fails: verdict is "deny", not "allow"/);
	assert.match((await run(haward, ['check', '--policy', path.join(folder, 'write-orders.json')])).stdout, /good: 1 services, 1 policies, 1 rules, 5 tests/);

	fs.writeFileSync(file, JSON.stringify({ ...set, tests: [{ name: 'x', request: {}, expect: { verdict: 'perhaps' } }] }));
	assert.equal((await run(haward, ['policy', 'test', file])).code, 78);
	assert.equal((await run(haward, ['policy', 'test'])).code, 64);
	fs.writeFileSync(file, '{}');
	const none = await run(haward, ['policy', 'test', file]);
	assert.equal(none.code, 1);
	assert.match(none.stderr, /carries no tests/);
	assert.equal((await run(haward, ['policy', 'prove'])).code, 64);
	assert.equal((await run(haward, ['policy', 'test', '--junit', path.join(dir, 'no/such'), path.join(folder, 'own-orders.json')])).code, 74);
});

test('a set whose tests fail is not published, unless somebody says so, and that is in the book', async (t) => {
	const stack = await Stack.up(t, { name: 'policy-tests', policy: good });
	await stack.signIn();
	const bad = { ...good, tests: [{ name: 'everybody may', request: { method: 'GET', host: 'nowhere', path: '/' }, expect: { verdict: 'allow' } }] };
	const text = JSON.stringify(bad, null, 2);
	const publish = async (status, more) => {
		const { etag } = await stack.api.policySet();
		return stack.api.expect(status, 'POST', '/api/v1/policy-set/versions', { headers: { 'if-match': etag }, body: { text, message: 'try', ...more } });
	};
	const before = await stack.api.policySet();
	const refused = (await publish(422)).json();
	assert.deepEqual(refused.errors.map((e) => [e.pointer, e.code]), [['/tests/0', 'test_failed']]);
	assert.match(refused.errors[0].message, /'everybody may' fails: verdict is "deny", not "allow"/);
	assert.ok(refused.errors[0].line > 1);
	await publish(422, { override_tests: false });
	await publish(400, { override_tests: 'yes' });
	assert.equal((await stack.api.policySet()).version, before.version, 'the one in force stays');
	const ran = await stack.api.expect(200, 'POST', '/api/v1/policy-set/tests', { body: { text } }).then((a) => a.json());
	assert.deepEqual([ran.passed, ran.failed, ran.items[0].differences], [0, 1, [{ member: 'verdict', expected: 'allow', got: 'deny' }]]);
	await stack.api.expect(422, 'POST', '/api/v1/policy-set/tests', { body: { text: '{' } });

	await publish(201, { override_tests: true });
	assert.notEqual((await stack.api.policySet()).version, before.version);
	await stack.api.publish(good, 'a good one again');
	const { etag } = await stack.api.policySet();
	await stack.api.expect(201, 'POST', '/api/v1/policy-set/rollbacks', { headers: { 'if-match': etag }, body: { version: '2', message: 'back' } });
	const acts = (await stack.book('kind:admin')).filter((act) => act.action?.startsWith('policy.'));
	assert.ok(acts.some((act) => act.action === 'policy.publish' && act.result === 'failed'), JSON.stringify(acts));
	assert.ok(acts.some((act) => act.action === 'policy.publish' && act.result === 'ok' && /overrides 1 of 1 tests/.test(act.detail)), JSON.stringify(acts));
	assert.ok(acts.some((act) => act.action === 'policy.rollback' && act.result === 'ok'));
});

test('the page runs the tests of the draft, and the dialog of publishing names those that fail', async (t) => {
	const stack = await Stack.up(t, { name: 'policy-tests-page', policy: good });
	await stack.signIn();
	const draft = { ...good, tests: [
		{ name: 'nobody is known there', request: { method: 'GET', host: 'nowhere', path: '/' }, expect: { status: 403 } },
		{ name: 'everybody may', request: { method: 'GET', host: 'nowhere', path: '/' }, expect: { verdict: 'allow', policy: 'some' } },
	] };
	await stack.api.expect(201, 'PUT', '/api/v1/policy-set/draft', { headers: { 'if-none-match': '*' }, body: { text: JSON.stringify(draft, null, 2), base_version: (await stack.api.policySet()).version } });
	const browser = await launch();
	t.after(() => browser.close());
	const page = await newPage(browser);
	const clean = async (what, on = page) => {
		assert.deepEqual(on.problems, [], `${what}: console and content security policy`);
		assert.deepEqual(await accessibility(on), [], `${what}: accessibility`);
		assert.equal(await overflow(on), 0, `${what}: nothing is wider than the window`);
	};
	await page.goto(`http://${stack.admin}/policies?tab=tests`);
	await page.getByLabel('Account').fill('root');
	await page.getByLabel('Password', { exact: false }).first().fill('correct horse battery');
	await page.getByRole('button', { name: 'Sign in' }).click();
	await page.getByText('1 of 2 tests fail').waitFor();
	await page.getByText('expected allow, got deny').waitFor();
	await clean('one fails');
	await shoot(page, 'policy-tests-light-1280');
	const dark = await newPage(browser, { width: 390, dark: true, storageState: await page.context().storageState() });
	await dark.goto(`http://${stack.admin}/policies?tab=tests`);
	await dark.getByText('1 of 2 tests fail').waitFor();
	await clean('narrow and dark', dark);
	await shoot(dark, 'policy-tests-dark-390');

	await page.goto(`http://${stack.admin}/policies?tab=source`);
	await page.getByRole('button', { name: /^Publish/ }).click();
	const dialog = page.getByRole('dialog');
	await dialog.getByLabel('What changes, and why').fill('trying');
	await dialog.getByRole('button', { name: 'Publish' }).click();
	await dialog.getByText("the test 'everybody may' fails").waitFor();
	await clean('refused');
	await shoot(page, 'policy-tests-refused-light-1280');
	await dialog.getByLabel('Publish all the same').check();
	await dialog.getByRole('button', { name: 'Publish' }).click();
	await eventually('it to be in force', async () => (await stack.api.policySet()).text.includes('everybody may'));
});

test('lint finds what nobody is likely to mean, and nothing in the examples', async (t) => {
	const dir = tempDir(t, 'policy-lint');
	const file = path.join(dir, 'set.json');
	const lint = async (set) => {
		fs.writeFileSync(file, JSON.stringify(set));
		const found = await run(haward, ['policy', 'lint', file]);
		assert.equal(found.stderr, '');
		return [found.code, ...[...found.stdout.matchAll(/: (\/\S*): (.*)$/gm)].map((m) => [m[1], m[2]])];
	};
	for (const name of sets) assert.equal((await run(haward, ['policy', 'lint', path.join(folder, name)])).code, 0, name);
	assert.deepEqual(await lint(good), [0]);
	const services = [{ name: 'a', namespace: 'x' }, { name: 'b', labels: { tier: 'web' } }];
	const get = [{ to: [{ operation: { methods: ['GET'] } }] }];
	const allow = (more) => ({ name: 'p', action: 'ALLOW', rules: get, ...more });
	const who = (source) => [{ from: [{ source }] }];
	const rows = [
		[{ policies: [allow({ rules: [{}] })] }, '/policies/0/rules/0', /everything to everybody.* \[wide_open\]$/],
		[{ policies: [allow({ rules: [] })] }, '/policies/0', /without rules it allows nothing/],
		[{ policies: [allow(), { name: 'no', action: 'DENY', rules: [{}] }] }, '/policies/0', /'no' denies everything/],
		[{ services, policies: [allow({ services: ['a'] }), allow({ name: 'q', services: ['b'] }), { name: 'no', action: 'DENY', namespace: 'x', rules: [{}] }] }, '/policies/0', /'no' denies/],
		[{ policies: [allow(), allow({ name: 'q' })] }, '/policies/1', /what the policy 'p' says/],
		[{ services, policies: [allow({ selector: { matchLabels: { tier: 'web' } } })] }, '/services/0', /no ALLOW policy and no role/],
		[{ policies: [allow({ rules: who({ requestPrincipals: ['https://idp.example/*'] }) })] }, '/policies/0/rules/0/from/0/source/requestPrincipals/0', /no issuer/],
		[{ roles: [{ name: 'r', permissions: [{ operations: [{ methods: ['GET'] }] }] }] }, '/roles/0', /nobody holds/],
	];
	for (const [set, pointer, words] of rows) {
		const [code, ...found] = await lint(set);
		assert.equal(code, 1, JSON.stringify(set));
		assert.deepEqual(found.map(([at]) => at), [pointer], JSON.stringify(found));
		assert.match(found[0][1], words);
	}
	const fine = [
		{ services, policies: [allow(), { name: 'no', action: 'DENY', services: ['a'], rules: [{}] }] },
		{ policies: [allow(), { name: 'no', action: 'DENY', mode: 'shadow', rules: [{}] }] },
		{ policies: [allow({ rules: who({ requestPrincipals: ['*', 'haward:basic/*', 'haward:apikey/*', '*/anna'] }) })] },
		{ policies: [allow({ rules: who({ principals: ['anywhere/ns/a/sa/b'] }) })] },
		{ services, roles: [{ name: 'r', bindings: [{ groups: ['g'] }], permissions: [{ operations: [{ methods: ['GET'] }] }] }] },
		{ services, defaultAction: 'ALLOW' },
	];
	for (const set of fine) assert.deepEqual(await lint(set), [0], JSON.stringify(set));
	fs.writeFileSync(file, '{"policies":[{}]}');
	assert.equal((await run(haward, ['policy', 'lint', file])).code, 78);
});
