import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const { offsetOf } = await load('pointer');
const text = `{
  "a": [1, "x,}\\"]", {"b/c": {"~": true}}, [ ], -2.5e3],
  "": { "é" : null },
  "a2":"last"
}`;

test('a pointer leads to where the value begins', () => {
	const at = (pointer) => text.slice(offsetOf(text, pointer)).slice(0, 4);
	assert.equal(offsetOf(text, ''), 0);
	assert.equal(at('/a'), '[1, ');
	assert.equal(at('/a/0'), '1, "');
	assert.equal(at('/a/1'), '"x,}');
	assert.equal(at('/a/2/b~1c/~0'), 'true');
	assert.equal(at('/a/4'), '-2.5');
	assert.equal(at('//é'), 'null');
	assert.equal(at('/a2'), '"las');
});

test('where there is nothing, nothing is found', () => {
	for (const pointer of ['/b', '/a/5', '/a/-', '/a/01', '/a/0/x', '/a2/0', 'a', '/a/3/0']) assert.equal(offsetOf(text, pointer), -1, pointer);
});

test('a text that is no JSON ends the search', () => {
	for (const broken of ['', '{', '{"a"', '{"a":', '[1,', '{"a" 1}', '"a', '[[[', '{"a":1 "b":2}', '}', ',']) {
		for (const pointer of ['/a', '/0', '/b', '/a/b/c']) assert.equal(typeof offsetOf(broken, pointer), 'number', broken);
	}
	assert.equal(offsetOf('{"a":1 "b":2}', '/b'), -1);
});
