// Why, in full: by the command line and by the API.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { claims, jwksOf, makeKey } from './support/issuer.mjs';
import { issuerEntry, policySet } from './support/policies.mjs';
import { run } from './support/proc.mjs';
import { sanitizers } from './support/stack.mjs';
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
