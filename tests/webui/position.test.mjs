import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const { columnShown, spanOf, tokenEnd, unitOfColumn } = await load('position');

// The agent's way: bytes of UTF-8 before the place, plus one.
const byteColumn = (line, unit) => Buffer.byteLength(line.slice(0, unit)) + 1;

test('byte columns are units of the browser, whatever the script', () => {
	for (const line of ['"abc": 1', '"é": 1', '"日本": [1]', '"🦭🦭": x', '', 'é']) {
		for (let unit = 0; unit <= line.length; unit++) {
			if (/[\udc00-\udfff]/.test(line[unit] ?? '')) continue; // inside a character
			assert.equal(unitOfColumn(line, byteColumn(line, unit)), unit, `${line} at ${unit}`);
		}
	}
});

test('a column inside a character is that character; one behind the line is its end', () => {
	assert.equal(unitOfColumn('日x', 2), 0);
	assert.equal(unitOfColumn('日x', 3), 0);
	assert.equal(unitOfColumn('日x', 4), 1);
	assert.equal(unitOfColumn('ab', 99), 2);
	assert.equal(unitOfColumn('', 1), 0);
});

test('the token there is marked: string, number, word, one character', () => {
	assert.equal(tokenEnd('"a\\"b": 1', 0), 6);
	assert.equal(tokenEnd('x: -12.5e3, y', 3), 10);
	assert.equal(tokenEnd('flase,', 0), 5);
	assert.equal(tokenEnd('{}', 0), 1);
	assert.equal(tokenEnd('"never closed', 0), 13);
});

test('a place of the agent is a span of the text', () => {
	const text = '{\n  "é": "x",\n  "actoin": "ALLOW"\n}\n';
	const marked = (line, column) => { const { from, to } = spanOf(text, line, column); return text.slice(from, to); };
	assert.equal(marked(3, 3), '"actoin"');
	assert.equal(marked(2, 9), '"x"');
	assert.equal(marked(0, 0), '{', 'no place is the start');
	assert.equal(marked(4, 9), '}', 'behind the line is its last character');
	for (const [line, column] of [[1, 1], [99, 1], [2, 999], [5, 1], [0, 0]]) {
		const { from, to } = spanOf(text, line, column);
		assert.ok(from >= 0 && from <= to && to <= text.length, `${line}:${column}`);
	}
	assert.deepEqual(spanOf('', 1, 1), { from: 0, to: 0 });
});

test('people read columns in characters', () => {
	assert.equal(columnShown('path:"é" verdict:maybe', 1, 19), 18);
	assert.equal(columnShown('a\n🦭🦭x', 2, 9), 3);
	assert.equal(columnShown('anything', 0, 7), 7);
});

test('a place in a condition is found in the string that says it, escapes and all', async () => {
	const { unitInString, conditionSpan } = await load('position');
	const at = (raw, line, column) => raw.slice(unitInString(raw, line, column));
	assert.equal(at('"user == x"', 1, 1), 'user == x"');
	assert.equal(at('"user == x"', 1, 9), 'x"');
	assert.equal(at('"a == \\"b\\" && nope"', 1, 13), 'nope"');
	assert.equal(at('"a\\n&& nope"', 2, 4), 'nope"');
	assert.equal(at('"\\u00e9\\ud83d\\ude00x"', 1, 3), 'x"');
	assert.equal(at('"é😀x"', 1, 3), 'x"');
	assert.equal(at('"ab"', 1, 99), '"');
	assert.equal(at('"ab"', 7, 1), '"');
	const text = '{\n  "condition": "path.id == usr"\n}';
	const from = text.indexOf('"path');
	const span = conditionSpan(text, { from, to: from + 5 }, "line 1, column 12: 'usr' is not known");
	assert.equal(text.slice(span.from, span.to), 'usr');
	assert.equal(conditionSpan(text, { from, to: from + 5 }, 'a string is expected here'), null);
	assert.equal(conditionSpan(text, { from: 0, to: 1 }, 'line 1, column 2: x'), null);
});
