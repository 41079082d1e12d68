// Who owns what, kept while the agent runs: written and deleted by the command line, asked for by a condition.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
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
