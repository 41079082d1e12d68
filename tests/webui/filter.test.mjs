import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { load, root } from './load.mjs';

const { asked, onlyValue, parseFilter, quote, termText, withOnly, withoutTerm, withTerm } = await load('filter');
const golden = JSON.parse(fs.readFileSync(path.join(root, 'tests/webui/filters.json'), 'utf8'));

// The same file is held against the agent in tests/e2e/dashboard.test.mjs.
for (const { q, terms } of golden.good) {
	test(`terms of ${JSON.stringify(q)}`, () => {
		assert.deepEqual(parseFilter(q).map((t) => [t.exclude ? '-' : '', t.field, ...t.values.map((v) => v.text)]), terms);
	});
}

test('a term keeps its spelling, so that taking another one away changes nothing else', () => {
	const text = 'user:"a b"  -service:orders,"x y"\tword';
	assert.deepEqual(parseFilter(text).map((t) => t.text), ['user:"a b"', '-service:orders,"x y"', 'word']);
	assert.equal(withoutTerm(text, 0), '-service:orders,"x y" word');
	assert.equal(withoutTerm(text, 1), 'user:"a b" word');
	assert.equal(withoutTerm('user:a', 0), '');
});

for (const { q } of golden.bad) {
	test(`what the agent refuses still falls into terms: ${JSON.stringify(q)}`, () => {
		const terms = parseFilter(q);
		assert.ok(terms.length > 0);
		assert.equal(terms.map((t) => t.text).join(' '), q.trim().replace(/\s+(?=([^"]*"[^"]*")*[^"]*$)/g, ' '));
	});
}

test('every literal value comes back as itself', () => {
	for (const value of ['alice', 'a b', 'a"b', 'a\\b', 'a,b', 'a:b', '*', '/v1/*', '-x', '', 'é\u202e', '"', '\\', 'tab\there', 'spiffe://example.org/ns/shop/sa/cart']) {
		const terms = parseFilter(`x ${termText('user', value)} y`);
		assert.equal(terms.length, 3, value);
		assert.deepEqual(terms[1].values.map((v) => v.text), [value]);
		if (value.includes('*')) assert.ok(terms[1].values[0].quoted, 'a star of a value is no pattern');
	}
	assert.equal(quote('alice'), 'alice');
	assert.equal(quote('/orders/*'), '"/orders/*"');
});

test('adding a term: not twice, and not beside its opposite', () => {
	assert.equal(withTerm('', 'user:a'), 'user:a');
	assert.equal(withTerm('user:a x', 'user:a'), 'x user:a');
	assert.equal(withTerm('user:a x', '-user:a'), 'x -user:a');
	assert.equal(withTerm('-user:a', 'user:a'), 'user:a');
});

test('one value of a field', () => {
	assert.equal(onlyValue('verdict:deny x', 'verdict'), 'deny');
	assert.equal(onlyValue('x', 'verdict'), '');
	assert.equal(onlyValue('verdict:deny,allow', 'verdict'), null);
	assert.equal(onlyValue('-verdict:deny', 'verdict'), null);
	assert.equal(onlyValue('verdict:deny verdict:allow', 'verdict'), null);
	assert.equal(onlyValue('path:"verdict:deny"', 'verdict'), '', 'inside quotes is no term');
	assert.equal(withOnly('verdict:deny,allow x -verdict:limit', 'verdict', 'allow'), 'verdict:allow x -verdict:limit');
	assert.equal(withOnly('verdict:deny x', 'verdict', ''), 'x');
});

test('acts of accounts are left out unless kinds are asked for, behind what was typed', () => {
	assert.equal(asked(''), '-kind:admin');
	assert.equal(asked('user:a'), 'user:a -kind:admin');
	assert.equal(asked('kind:admin'), 'kind:admin');
	assert.equal(asked('-kind:system x'), '-kind:system x');
	assert.equal(asked('path:"kind:admin"'), 'path:"kind:admin" -kind:admin');
});
