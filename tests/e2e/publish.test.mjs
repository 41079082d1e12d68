// A policy published while traffic flows: in force in under a second, no request decided by anything
// but one of the two, none dropped.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bearer } from './support/http.mjs';
import { jwksOf, makeKey, mint } from './support/issuer.mjs';
import { issuerEntry, policySet, readOrders } from './support/policies.mjs';
import { keepAlive, load, Stack } from './support/stack.mjs';
import { sleep } from './support/wait.mjs';

test('publish under load, back and forth', async (t) => {
	const key = await makeKey();
	const token = await mint(key);
	const open = policySet(issuerEntry({ jwks: jwksOf(key) }), [readOrders()]);
	const shut = policySet(issuerEntry({ jwks: jwksOf(key) }), [readOrders({ methods: ['PATCH'] })]);
	const stack = await Stack.up(t, { name: 'publish', policy: open });
	const api = await stack.signIn();
	const agent = keepAlive(12);
	t.after(() => agent.destroy());
	const traffic = load(t, 12, async (who, i) => {
		const anonymous = i % 4 === 0;
		const answer = await stack.get(`/orders/${who}`, anonymous ? {} : bearer(token), { agent });
		return { anonymous, status: answer.status, id: answer.headers['haward-event'] };
	});
	const switches = [];
	for (let round = 0; round < 6; round++) {
		await sleep(600);
		const begun = performance.now();
		const version = await api.publish(round % 2 === 0 ? shut : open, `round ${round}`);
		switches.push({ begun, done: performance.now(), version: version.version, status: round % 2 === 0 ? 403 : 200 });
	}
	await sleep(1200);
	const answers = await traffic.stop();
	assert.deepEqual(answers.filter((a) => a.error).map((a) => String(a.error)), []);
	for (const a of answers) {
		// What was in force when the request began or at any time until it was answered, and a second of grace.
		const possible = new Set();
		for (let i = -1; i < switches.length; i++) {
			const from = i < 0 ? 0 : switches[i].begun;
			const until = i + 1 < switches.length ? switches[i + 1].done + 1000 : Infinity;
			if (a.answered >= from && a.asked <= until) possible.add(i < 0 ? 200 : switches[i].status);
		}
		// Without a credential the open policy asks for one; the other would refuse anybody.
		const status = a.anonymous && a.status === 401 ? 200 : a.status;
		assert.ok(possible.has(status) && !(a.anonymous && a.status === 200), `${a.status} at ${a.asked}`);
	}
	for (const s of switches) {
		const first = answers.filter((a) => !a.anonymous && a.asked >= s.begun && a.status === s.status).sort((x, y) => x.answered - y.answered)[0];
		assert.ok(first, `version ${s.version} was never seen`);
		assert.ok(first.answered - s.begun < 1000, `version ${s.version} in force after ${first.answered - s.begun} ms`);
	}
	const last = answers.filter((a) => a.id).at(-1).id;
	await stack.event(last, { outcome: false });
	const book = new Map((await stack.book()).map((e) => [e.id, e]));
	for (const a of answers) {
		const event = book.get(a.id);
		assert.ok(event);
		assert.equal(event.status, a.status);
		if (a.anonymous) continue;
		// Versions 1, 3, 5, 7 allow; 2, 4, 6 deny: the version in the record explains the verdict.
		assert.equal(a.status, Number(event.policy_version) % 2 === 1 ? 200 : 403, `version ${event.policy_version}`);
	}
	t.diagnostic(`${answers.length} answers over ${switches.length} publishes`);
});

test('a wrong policy changes nothing and says where it is wrong', async (t) => {
	const key = await makeKey();
	const good = policySet(issuerEntry({ jwks: jwksOf(key) }));
	const stack = await Stack.up(t, { name: 'publish-wrong', policy: good });
	const api = await stack.signIn();
	const { etag, version } = await api.policySet();
	const text = JSON.stringify(good, null, 2).replace('"methods"', '"metods"');
	const line = text.split('\n').findIndex((l) => l.includes('"metods"')) + 1;
	const validation = await api.expect(200, 'POST', '/api/v1/policy-set/validation', { body: { text } });
	assert.equal(validation.json().valid, false);
	const [error] = validation.json().errors;
	assert.equal(error.line, line);
	assert.match(error.pointer, /^\/policies\/0\/rules\/0\/to\/0\/operation/);
	assert.match(error.message, /methods/, 'the nearest known name');
	await api.expect(422, 'POST', '/api/v1/policy-set/versions', { headers: { 'if-match': etag }, body: { text, message: 'wrong' } });
	assert.equal((await api.policySet()).version, version);
	assert.equal((await stack.get('/orders/1', bearer(await mint(key)))).status, 200);

	await api.expect(412, 'POST', '/api/v1/policy-set/versions', { headers: { 'if-match': '"someone-else"' }, body: { text: JSON.stringify(good), message: 'late' } });
	await api.expect(428, 'POST', '/api/v1/policy-set/versions', { body: { text: JSON.stringify(good), message: 'blind' } });
});

test('shadow policies are weighed and change nothing; rollback is a new version', async (t) => {
	const key = await makeKey();
	const first = policySet(issuerEntry({ jwks: jwksOf(key) }), [readOrders()]);
	const second = policySet(issuerEntry({ jwks: jwksOf(key) }), [
		readOrders(),
		{ name: 'lock-down', action: 'DENY', mode: 'shadow', services: ['orders'], rules: [{ to: [{ operation: { paths: ['/orders/{id}'] } }] }] },
	]);
	const stack = await Stack.up(t, { name: 'shadow', policy: first });
	const api = await stack.signIn();
	await api.publish(second, 'try locking down');
	const token = await mint(key);
	await sleep(300);
	const answer = await stack.get('/orders/1', bearer(token));
	assert.equal(answer.status, 200);
	const event = await stack.event(answer.headers['haward-event']);
	assert.deepEqual(event.shadow, { verdict: 'deny', policy: 'lock-down' });
	const { etag } = await api.policySet();
	const back = await api.expect(201, 'POST', '/api/v1/policy-set/rollbacks', { headers: { 'if-match': etag }, body: { version: '1', message: 'back' } });
	assert.equal(back.json().version, '3');
	const versions = await api.get('/api/v1/policy-set/versions');
	assert.deepEqual(versions.items.map((v) => v.version), ['3', '2', '1']);
	assert.deepEqual(versions.items.map((v) => v.current), [true, false, false]);
});

test('versions and drafts are compared by what they say', async (t) => {
	const key = await makeKey();
	const issuer = issuerEntry({ jwks: jwksOf(key) });
	const first = policySet(issuer, [readOrders(), readOrders({ name: 'writes', methods: ['PUT'] })]);
	const second = policySet(issuer, [readOrders({ name: 'writes', methods: ['PUT', 'PATCH'] }), readOrders({ mode: 'enforce' }), { name: 'stop', action: 'DENY', rules: [{}] }]);
	const stack = await Stack.up(t, { name: 'diff', policy: first });
	const api = await stack.signIn();
	await api.publish(second, 'more, and less');
	const diff = async (query) => (await api.expect(200, 'GET', '/api/v1/policy-set/diff', { query })).json().changes.map((c) => [c.change, c.member, c.name, c.effect]);
	const wanted = [['changed', 'policies', 'writes', 'wider'], ['added', 'policies', 'stop', 'narrower']];
	assert.deepEqual(await diff({ from: '1', to: '2' }), wanted);
	assert.deepEqual(await diff({ from: '2', to: '2' }), []);
	assert.deepEqual(await diff({ from: '2', to: '1' }), [['changed', 'policies', 'writes', 'narrower'], ['removed', 'policies', 'stop', 'wider']]);
	await api.expect(404, 'GET', '/api/v1/policy-set/diff'); // no draft yet
	await api.expect(404, 'GET', '/api/v1/policy-set/diff', { query: { from: '7', to: '1' } });
	await api.expect(400, 'GET', '/api/v1/policy-set/diff', { query: { from: 'yesterday' } });
	await api.expect(201, 'PUT', '/api/v1/policy-set/draft', { headers: { 'if-none-match': '*' }, body: { text: JSON.stringify(first), base_version: '2' } });
	assert.deepEqual(await diff({}), [['changed', 'policies', 'writes', 'narrower'], ['removed', 'policies', 'stop', 'wider']]);
	const sent = await api.expect(200, 'POST', '/api/v1/policy-set/diff', { body: { text: JSON.stringify(second), from: '1' } });
	assert.deepEqual(sent.json().changes[0].fields, [{ change: 'changed', from: '/policies/1/rules/0/to/0/operation/methods', to: '/policies/0/rules/0/to/0/operation/methods', added: ['PATCH'], removed: [] }]);
	await api.expect(422, 'POST', '/api/v1/policy-set/diff', { body: { text: '{"policies":[' } });

	const told = await stack.cli(['policy', 'diff', '--data', stack.dataDir, '1', 'current']);
	assert.equal(told.code, 1, told.stderr);
	assert.equal(told.stdout, '~ policies writes: more is granted\n    /policies/0/rules/0/to/0/operation/methods: +"PATCH"\n+ policies stop: less is granted\n');
	const json = await stack.cli(['policy', 'diff', '--json', '--data', stack.dataDir, 'draft', '1']);
	assert.equal(json.code, 0, json.stderr);
	assert.deepEqual(JSON.parse(json.stdout), []);
	const missing = await stack.cli(['policy', 'diff', '--data', stack.dataDir, '1', '9']);
	assert.equal(missing.code, 66);
});
