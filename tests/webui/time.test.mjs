import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { load } from './load.mjs';

const { parseTyped, spanText, timeText, typedText, zoneName } = await load('time');
const { isBackwards, quickRanges, rangeChoice, rangeText } = await load('range');
const here = process.env.TZ ?? '';

test('times are written the same everywhere, 24 hours, with the zone they are in', () => {
	assert.equal(timeText('2026-11-23T00:00:00.123456Z', 'utc'), '2026-11-23 00:00:00.123');
	assert.equal(timeText('2026-11-23T12:34:56Z', 'utc'), '2026-11-23 12:34:56.000');
	assert.equal(timeText('no time', 'utc'), 'no time');
	assert.equal(zoneName('utc'), 'UTC');
});

test('what is typed for a bound', () => {
	assert.deepEqual(parseTyped('', 'utc'), { value: '' });
	assert.deepEqual(parseTyped(' now-90m ', 'utc'), { value: 'now-90m' });
	assert.deepEqual(parseTyped('2026-03-01', 'utc'), { value: '2026-03-01T00:00:00.000Z' });
	assert.deepEqual(parseTyped('2026-03-01 14:30', 'utc'), { value: '2026-03-01T14:30:00.000Z' });
	assert.deepEqual(parseTyped('2026-03-01T14:30:05.25', 'utc'), { value: '2026-03-01T14:30:05.250Z' });
	assert.deepEqual(parseTyped('2026-03-01T14:30:00+02:00', 'local'), { value: '2026-03-01T12:30:00.000Z' });
	for (const bad of ['yesterday', '14:30', 'now-1y', 'now+1h', '2026-3-1', '2026-13-01', '2026-02-30', '2026-03-01 25:00', '01/02/2026'])
		assert.ok(parseTyped(bad, 'utc').error, bad);
});

test('what was typed is what the field shows again', () => {
	for (const text of ['', 'now-90m', '2026-03-01 14:30:05', '2026-03-01 14:30:05.250'])
		for (const zone of ['utc', 'local']) assert.equal(typedText(parseTyped(text, zone).value, zone), text);
});

test('ranges: quick ones stay relative, others are exact', () => {
	assert.equal(rangeChoice('', ''), '');
	for (const [value] of quickRanges) assert.equal(rangeChoice(value, ''), value);
	assert.equal(rangeChoice('now-1h', 'now'), 'exact');
	assert.equal(rangeChoice('2026-01-01T00:00:00Z', ''), 'exact');
	assert.equal(rangeText(null, null, 'utc'), '');
	assert.equal(rangeText('2026-01-01T00:00:00Z', '2026-02-01T00:00:00.5Z', 'utc'), 'from 2026-01-01 00:00:00 to before 2026-02-01 00:00:00.500 UTC');
	assert.equal(rangeText(null, '2026-02-01T00:00:00Z', 'utc'), 'to before 2026-02-01 00:00:00 UTC');
	assert.equal(isBackwards('2026-02-01T00:00:00Z', '2026-01-01T00:00:00Z'), true);
	assert.equal(isBackwards('2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z'), true);
	assert.equal(isBackwards('now-1h', '2026-01-01T00:00:00Z'), false);
});

test('how long something has run', () => {
	assert.equal(spanText(0), '0 s');
	assert.equal(spanText(59.9), '59 s');
	assert.equal(spanText(60), '1 min');
	assert.equal(spanText(3 * 86400 + 60), '3 d 1 min');
});

// A zone is the process's: each in its own.
const zones = {
	'Europe/Paris': { typed: '2026-07-01 14:00:00', value: '2026-07-01T12:00:00.000Z', gap: '2026-03-29 02:30' },
	'America/New_York': { typed: '2026-01-01 07:00:00', value: '2026-01-01T12:00:00.000Z', gap: '2026-03-08 02:30' },
	'Asia/Kolkata': { typed: '2026-01-01 17:30:00', value: '2026-01-01T12:00:00.000Z' },
	UTC: { typed: '2026-01-01 12:00:00', value: '2026-01-01T12:00:00.000Z' },
};
if (zones[here]) {
	test(`in ${here}`, () => {
		const { typed, value, gap } = zones[here];
		assert.ok(here === zoneName('local') || zoneName('local') === 'Asia/Calcutta', zoneName('local'));
		assert.deepEqual(parseTyped(typed, 'local'), { value });
		assert.equal(timeText(value, 'local'), `${typed}.000`);
		if (gap) assert.match(parseTyped(gap, 'local').error, /no such time in/);
	});
} else {
	for (const zone of Object.keys(zones)) {
		test(`all of this in ${zone}`, () => {
			const env = { ...process.env, TZ: zone };
			delete env.NODE_TEST_CONTEXT; // a run of its own
			execFileSync(process.execPath, [fileURLToPath(import.meta.url)], { env, timeout: 60000, stdio: 'pipe' });
		});
	}
}
