import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const { changedLines, diffLines, isSameText, linesOf, merge, unified } = await load('diff');

const apply = (a, b) => {
	const out = [];
	let at = 0;
	for (const c of diffLines(a, b)) {
		assert.ok(c.aFrom >= at && c.aFrom <= c.aTo && c.bFrom <= c.bTo, 'in order');
		assert.ok(c.aTo > c.aFrom || c.bTo > c.bFrom, 'no empty change');
		out.push(...a.slice(at, c.aFrom), ...b.slice(c.bFrom, c.bTo));
		at = c.aTo;
	}
	return [...out, ...a.slice(at)];
};

// The same numbers on every run.
function random(seed) {
	let s = seed;
	return (n) => { s = (Math.imul(s, 1664525) + 1013904223) >>> 0; return s % n; };
}

test('the changes, applied, give the other text', () => {
	const next = random(7);
	for (let i = 0; i < 2000; i++) {
		const [a, b] = [0, 0].map(() => Array.from({ length: next(12) }, () => 'abc'[next(3)]));
		assert.deepEqual(apply(a, b), b, JSON.stringify([a, b]));
	}
});

test('the changes are the fewest', () => {
	assert.deepEqual(diffLines(['a', 'b', 'c'], ['a', 'x', 'c']), [{ aFrom: 1, aTo: 2, bFrom: 1, bTo: 2 }]);
	assert.deepEqual(diffLines(['a'], ['a']), []);
	assert.deepEqual(diffLines([], ['a']), [{ aFrom: 0, aTo: 0, bFrom: 0, bTo: 1 }]);
	const [a, b] = ['abcabba', 'cbabac'].map((t) => [...t]);
	assert.equal(diffLines(a, b).reduce((n, c) => n + c.aTo - c.aFrom + c.bTo - c.bFrom, 0), 5);
});

test('texts of nothing in common stay affordable', () => {
	const many = (p) => Array.from({ length: 20000 }, (_, i) => `${p}${i}`);
	const begun = performance.now();
	assert.deepEqual(apply(many('a'), many('b')), many('b'));
	assert.ok(performance.now() - begun < 5000);
});

test('line ends are no difference', () => {
	assert.ok(isSameText('a\r\nb\n', 'a\nb\n'));
	assert.ok(!isSameText('a\nb', 'a\nc'));
	assert.deepEqual(linesOf('a\r\nb\n'), ['a', 'b']);
});

test('both in one list: numbers of both sides, what is far away left out', () => {
	const a = Array.from({ length: 20 }, (_, i) => `line ${i + 1}`);
	const b = [...a.slice(0, 9), 'other', ...a.slice(10), 'last'];
	const rows = unified(a.join('\n'), b.join('\n'), 1);
	assert.deepEqual(rows.map((r) => [r.kind, r.old, r.new, r.text]), [
		['gap', undefined, undefined, '8'],
		['same', 9, 9, 'line 9'],
		['old', 10, undefined, 'line 10'],
		['new', undefined, 10, 'other'],
		['same', 11, 11, 'line 11'],
		['gap', undefined, undefined, '8'],
		['same', 20, 20, 'line 20'],
		['new', undefined, 21, 'last'],
	]);
	assert.deepEqual(unified('a\nb', 'a\nb'), []);
	assert.deepEqual(changedLines(a.join('\n'), b.join('\n')), { added: 2, removed: 1 });
});

const names = { mine: 'yours', theirs: 'theirs' };
const base = ['1', '2', '3', '4', '5', '6'].join('\n');

test('a merge takes what either side changed', () => {
	assert.deepEqual(merge(base, base.replace('1', 'one'), base.replace('6', 'six'), names), { text: 'one\n2\n3\n4\n5\nsix\n', conflicts: 0 });
	assert.deepEqual(merge(base, base, base.replace('3', 'x\ny'), names), { text: '1\n2\nx\ny\n4\n5\n6\n', conflicts: 0 });
	assert.deepEqual(merge(base, base.replace('2\n', ''), base, names), { text: '1\n3\n4\n5\n6\n', conflicts: 0 });
	assert.equal(merge(base, base.replace('3', 'x'), base.replace('3', 'x'), names).conflicts, 0, 'the same change twice is one');
});

test('where both changed, both stand, and it is no JSON', () => {
	const merged = merge(base, base.replace('3', 'mine'), base.replace('3', 'other'), names);
	assert.deepEqual(merged, { text: '1\n2\n<<<<<<< yours\nmine\n=======\nother\n>>>>>>> theirs\n4\n5\n6\n', conflicts: 1 });
	assert.throws(() => JSON.parse(merge('{\n"a":1\n}', '{\n"a":2\n}', '{\n"a":3\n}', names).text));
	assert.equal(merge(base, base.replace('3', 'x'), base.replace('4', 'y'), names).conflicts, 1, 'neighbours touch');
});

test('a merge with an unchanged side is the other side, always', () => {
	const next = random(11);
	for (let i = 0; i < 500; i++) {
		const [a, b] = [0, 0].map(() => Array.from({ length: 1 + next(10) }, () => 'abc'[next(3)]).join('\n'));
		assert.deepEqual(merge(a, b, a, names), { text: `${b}\n`, conflicts: 0 });
		assert.deepEqual(merge(a, a, b, names), { text: `${b}\n`, conflicts: 0 });
		assert.deepEqual(merge(a, b, b, names), { text: `${b}\n`, conflicts: 0 });
	}
});
