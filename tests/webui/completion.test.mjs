// What completion offers: members and values by the schema that the agent serves, and the words of conditions.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { load, root } from './load.mjs';

const { members, values, conditionWords } = await load('completion');
const schema = JSON.parse(fs.readFileSync(path.join(root, 'schema/policy.schema.json'), 'utf8'));
const names = (at) => members(schema, at).map((one) => one.name);

test('members of each object, with what they are for', () => {
	assert.ok(['issuers', 'services', 'policies', 'limits', 'roles', 'types'].every((name) => names([]).includes(name)));
	assert.ok(['from', 'to', 'when', 'condition', 'authentication', 'learn'].every((name) => names(['policies', 0, 'rules', 3]).includes(name)));
	assert.ok(['methods', 'paths', 'notHosts'].every((name) => names(['policies', 0, 'rules', 0, 'to', 0, 'operation']).includes(name)));
	assert.deepEqual(names(['policies', 0, 'rules', 0, 'when', 0, 'related']), ['object', 'relation', 'subject']);
	const action = members(schema, ['policies', 0]).find((one) => one.name === 'action');
	assert.deepEqual([action.required, action.kind], [true, '"']);
	const rules = members(schema, ['policies', 0]).find((one) => one.name === 'rules');
	assert.equal(rules.kind, '[');
	assert.ok(members(schema, ['limits', 0]).find((one) => one.name === 'period').description);
});

test('values that are counted, and none where there are none', () => {
	assert.deepEqual(values(schema, ['policies', 0, 'action']).sort(), ['ALLOW', 'DENY']);
	assert.deepEqual(values(schema, ['limits', 2, 'period']), ['day', 'month']);
	assert.ok(values(schema, ['policies', 0, 'rules', 0, 'when', 0, 'key']).includes('source.ip'));
	assert.deepEqual(values(schema, ['policies', 0, 'name']), []);
	assert.deepEqual(values(schema, ['nothing', 'like', 'that']), []);
	assert.deepEqual(names(['policies', 0, 'name', 'x']), []);
});

const all = {
	names: [{ name: 'request.method', type: 'string', does: '' }, { name: 'user', type: 'string', does: '' }, { name: 'claims', type: 'map(string, dyn)', does: '' }],
	functions: [
		{ name: 'startsWith', args: 'string, string', result: 'bool', does: '', receiver: true }, { name: 'size', args: 'string', result: 'int', does: '', receiver: false },
		{ name: 'size', args: 'bytes', result: 'int', does: '', receiver: false }, { name: 'related', args: 'string, string, string', result: 'bool', does: '', receiver: false },
	],
};
const words = (before, text = '') => {
	const found = conditionWords(all, before, text);
	return [found.typed, found.words.map((one) => one.text)];
};

test('in a condition: names and functions, after a dot what can be called', () => {
	assert.deepEqual(words('us'), ['us', ['request.method', 'user', 'claims', 'size', 'related']]);
	assert.deepEqual(words('request.me')[0], 'request.me');
	assert.deepEqual(words('user.sta'), ['sta', ['startsWith']]);
	assert.deepEqual(words('request.method.'), ['', ['startsWith']]);
	assert.deepEqual(words("'a'.st"), ['st', ['startsWith']]);
	assert.deepEqual(words('size(us')[0], 'us');
	assert.deepEqual(words('user == ')[0], '');
	const [, offered] = words('pa', '"paths": ["/orders/{id}", "/a/{rest=**}"], "object": "order:{id}", "subject": "user:{user}"');
	assert.deepEqual(offered.filter((one) => one.startsWith('path.')), ['path.id', 'path.rest']);
});
