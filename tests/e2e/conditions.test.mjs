// Conditions in CEL through HAProxy: own orders, parameters, errors that never grant, and mistakes with their place.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { bearer } from './support/http.mjs';
import { claims, jwksOf, makeKey, mint } from './support/issuer.mjs';
import { issuerEntry, policySet } from './support/policies.mjs';
import { Stack } from './support/stack.mjs';

let stack, key, api;
const rule = (condition, paths = ['/orders/of/{id}'], methods) => ({ to: [{ operation: { paths, ...(methods ? { methods } : {}) } }], condition });
const set = () => policySet(issuerEntry({ jwks: jwksOf(key) }), [
	{ name: 'own', action: 'ALLOW', services: ['orders'], rules: [rule("path.id == user || 'ops' in claims.?groups.orValue([])")] },
	{ name: 'beta', action: 'ALLOW', services: ['orders'], rules: [rule("'beta' in request.query_params[?'channel'].orValue([]) && request.time > timestamp('2020-01-01T00:00:00Z')", ['/orders/beta'])] },
	{ name: 'level', action: 'DENY', services: ['orders'], rules: [rule('claims.level < 3', ['/orders/of/{id}'], ['DELETE'])] },
]);

before(async () => {
	key = await makeKey();
	stack = await Stack.up(null, { name: 'conditions', policy: set() });
	api = await stack.signIn();
});
after(() => stack?.down());

const ask = async (path, payload, { method = 'GET' } = {}) => {
	const answer = await stack.get(path, payload ? bearer(await mint(key, payload)) : {}, { method });
	return [answer.status, answer.headers['haward-event']];
};

test('a user sees their own orders, and ops see all', async () => {
	const cases = [
		['/orders/of/alice', claims('alice'), {}, 200],
		['/orders/of/bob', claims('alice'), {}, 403],
		['/orders/of/bob', claims('alice', { groups: ['ops'] }), {}, 200],
		['/orders/of/bob', claims('alice', { groups: 'ops' }), {}, 403],
		['/orders/of/alice', undefined, {}, 401],
		['/orders/beta?channel=alpha&channel=beta', claims('alice'), {}, 200],
		['/orders/beta?channel=alpha', claims('alice'), {}, 403],
		['/orders/of/alice', claims('alice', { level: 3 }), { method: 'DELETE' }, 200],
		['/orders/of/alice', claims('alice', { level: 2 }), { method: 'DELETE' }, 403],
		['/orders/of/alice', claims('alice', { level: '9' }), { method: 'DELETE' }, 403],
		['/orders/of/alice', claims('alice'), { method: 'DELETE' }, 403],
	];
	for (const [path, payload, options, status] of cases) assert.equal((await ask(path, payload, options))[0], status, `${options.method ?? 'GET'} ${path} ${JSON.stringify(payload)}`);
});

test('the book says why: the condition, and what it came to', async () => {
	const [, denied] = await ask('/orders/of/bob', claims('alice'));
	const no = await stack.event(denied, { outcome: false });
	assert.deepEqual([no.why[0].condition, no.why[0].value, no.why[0].result], ['condition', 'false', 'failed']);
	assert.match(no.why[0].expected, /^path\.id == user/);
	const [, failed] = await ask('/orders/of/alice', claims('alice'), { method: 'DELETE' });
	const error = await stack.event(failed, { outcome: false });
	assert.equal(error.policy, 'level');
	assert.match(error.why[0].value, /^error at line 1, column 8: no such key: level$/);
});

test('a mistake is refused when it is published, with its place', async () => {
	const bad = set();
	bad.policies[0].rules[0].condition = 'path.id ==\n  usr';
	const { etag } = await api.policySet();
	const answer = await api.expect(422, 'POST', '/api/v1/policy-set/versions', { headers: { 'if-match': etag }, body: { text: JSON.stringify(bad), message: 'x' } });
	const [error] = answer.json().errors;
	assert.equal(error.pointer, '/policies/0/rules/0/condition');
	assert.match(error.message, /line 2, column 3: there is no 'usr'; did you mean 'user'\?/);
});
