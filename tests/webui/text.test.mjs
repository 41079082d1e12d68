import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const { bytes, count, cut, shown, visible } = await load('text');

test('characters that hide or turn text round are written out', () => {
	assert.equal(visible('a\u202eb'), 'a⟨U+202E⟩b');
	assert.equal(visible('a\u0000\nb'), 'a⟨U+0000⟩⟨U+000A⟩b');
	assert.equal(visible('x\u{e0041}y'), 'x⟨U+E0041⟩y', 'tags');
	assert.equal(visible('\u00ad\u3164\ufeff'), '⟨U+00AD⟩⟨U+3164⟩⟨U+FEFF⟩');
	assert.equal(visible('Grüße 日本 🦭 <b>'), 'Grüße 日本 🦭 <b>');
});

test('long values are cut, never through a character', () => {
	assert.equal(cut('abcdef', 6), 'abcdef');
	assert.equal(cut('abcdefg', 6), 'abcde…');
	for (let max = 2; max < 12; max++) assert.ok(!/[\ud800-\udbff](?![\udc00-\udfff])/.test(cut('🦭'.repeat(10), max)), String(max));
	assert.equal(shown(null), '');
	assert.equal(shown(0), '0');
	assert.equal(shown('x'.repeat(200), 10).length, 10);
});

test('sizes and counts', () => {
	assert.deepEqual([0, 1023, 1024, 1536, 10240, 1048575, 1048576, 5e12].map(bytes), ['0 B', '1023 B', '1.0 KiB', '1.5 KiB', '10 KiB', '1.0 MiB', '1.0 MiB', '4.5 TiB']);
	assert.equal(count(1234567), '1,234,567');
});
