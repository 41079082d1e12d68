import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const { readView, viewHref, viewQuery } = await load('view');
const read = (text) => readView(new URLSearchParams(text));

test('an address without anything is everything, newest first', () => {
	assert.deepEqual(read(''), { q: '', from: '', to: '', order: 'desc', open: '' });
	assert.deepEqual(read('order=sideways&q=%20'), { q: '', from: '', to: '', order: 'desc', open: '' });
	assert.equal(read('q=a%09b%0Ac').q, 'a b c');
	assert.equal(viewHref({}), '/decisions');
	assert.equal(viewHref({ order: 'desc', q: '' }), '/decisions');
});

test('a view goes into the address and comes back, hostile texts too', () => {
	for (const view of [
		{ q: 'user:"a b" -service:x', from: 'now-15m', to: '', order: 'desc', open: '' },
		{ q: '&to=1#"<script>é\u202e+%41', from: '2026-01-01T00:00:00.000Z', to: '2026-01-02T00:00:00.000Z', order: 'asc', open: '01KB3Q7Z0V9M6H4D5T8W2X1Y3Z' },
	]) {
		assert.deepEqual(read(viewQuery(view)), view);
	}
});

test('equal views have equal addresses', () => {
	assert.equal(viewQuery({ to: 'b', q: 'x', from: 'a' }), viewQuery({ from: 'a', to: 'b', q: 'x' }));
	assert.equal(viewQuery(read('to=b&from=a&q=x&junk=1')), '?q=x&from=a&to=b');
});
