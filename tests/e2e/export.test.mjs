// What is listed is what is exported, by every way out, for every filter; who may see what.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Api } from './support/api.mjs';
import { csvRecords } from './support/csv.mjs';
import { bearer, request } from './support/http.mjs';
import { claims, jwksOf, makeKey, mint } from './support/issuer.mjs';
import { issuerEntry, policySet } from './support/policies.mjs';
import { Stack } from './support/stack.mjs';
import { eventually } from './support/wait.mjs';

let stack, api, key;
const AGENTS = ['walker/1', '=HYPERLINK("http://evil")', '+1', '@SUM(A1)', 'quote " and, comma', '-2+3'];

before(async () => {
	key = await makeKey();
	stack = await Stack.up(null, { name: 'export', policy: policySet(issuerEntry({ jwks: jwksOf(key) })) });
	api = await stack.signIn();
	const jobs = [];
	for (let i = 0; i < 240; i++) {
		const who = ['alice', 'bob', 'carol "the, one"', null][i % 4];
		const headers = { ...(who ? bearer(await mint(key, claims(who, { n: i }))) : {}), 'user-agent': AGENTS[i % AGENTS.length] };
		jobs.push(stack.get(`/orders/${i % 7}`, headers, { method: ['GET', 'GET', 'DELETE'][i % 3], timeout: 20000 }));
	}
	const answers = await Promise.all(jobs);
	const last = answers.at(-1).headers['haward-event'];
	await stack.event(last);
	await eventually('all outcomes', async () => (await stack.book('kind:request')).every((e) => e.outcome), { every: 200 });
});
after(() => stack?.down());

const FILTERS = ['', 'kind:request', 'verdict:deny', 'verdict:deny,authenticate', '-verdict:allow kind:request', 'user:alice', 'user:alice verdict:allow',
	'kind:outcome', 'kind:request,outcome status:200', '-kind:request', 'service:orders status:403', 'path:/orders/3', 'path:/orders/* -user:bob', 'ip:127.0.0.0/8', 'ip:10.0.0.0/8', 'policy:read-orders', 'status:200', 'user:"carol \\"the, one\\""'];

test('CSV, JSON Lines, list and command line agree for every filter', async () => {
	// Exports are acts of an admin and are written down themselves: the range ends before the first of them.
	const to = new Date(Date.now() + 1).toISOString();
	for (const q of FILTERS) {
		const query = { q, order: 'asc', to };
		const listed = [];
		let cursor;
		for (;;) {
			const page = await api.get('/api/v1/decisions', { ...query, limit: 37, ...(cursor ? { cursor } : {}) });
			listed.push(...page.items);
			if (page.exhausted) break;
			cursor = page.next_cursor;
		}
		const csv = await api.expect(200, 'GET', '/api/v1/decisions.csv', { query });
		assert.match(csv.headers['content-type'], /^text\/csv/);
		assert.match(csv.headers['content-disposition'], /^attachment/);
		const records = csvRecords(csv.text);
		const lines = (await api.expect(200, 'GET', '/api/v1/decisions.ndjson', { query })).text.split('\n').filter(Boolean).map((l) => JSON.parse(l));
		const ids = listed.map((e) => e.id);
		assert.deepEqual(records.map((r) => r.id), ids, `CSV, ${q}`);
		assert.deepEqual(lines.map((e) => e.id), ids, `JSON Lines, ${q}`);
		assert.deepEqual(lines, listed, `JSON Lines are the listed resources, ${q}`);
		assert.equal(new Set(ids).size, ids.length);
		for (const [i, r] of records.entries()) {
			assert.equal(r.verdict, listed[i].verdict ?? '');
			assert.equal(r.status, String(listed[i].status || ''));
			assert.equal(r.path, listed[i].path ?? '');
			assert.equal(r.outcome_status, String(listed[i].outcome?.status ?? ''));
		}
		const cli = (await stack.book(q)).filter((e) => e.time < to).map((e) => e.id);
		assert.deepEqual([...cli].sort(), [...ids].sort(), `command line, ${q}`);
		if (q === '' || q === 'kind:request') assert.ok(ids.length >= 240, `${ids.length} rows`);
		if (q === 'ip:10.0.0.0/8') assert.equal(ids.length, 0);
		if (q.startsWith('user:"carol')) assert.equal(ids.length, 60);
		if (q === 'user:alice') assert.ok(listed.length === 60 && listed.every((e) => e.user === 'alice'));
		if (q === 'verdict:deny') assert.ok(listed.length > 0 && listed.every((e) => e.verdict === 'deny'));
	}
});

test('newest first is the same rows turned around', async () => {
	const to = new Date().toISOString();
	const rows = async (order) => csvRecords((await api.expect(200, 'GET', '/api/v1/decisions.csv', { query: { q: 'kind:request', order, to } })).text).map((r) => r.id);
	assert.deepEqual((await rows('desc')).reverse(), await rows('asc'));
});

test('cells that a spreadsheet would run are made harmless, and come raw for machines', async () => {
	const query = { q: 'kind:request path:/orders/*', order: 'asc' };
	const safe = csvRecords((await api.expect(200, 'GET', '/api/v1/decisions.csv', { query })).text);
	const raw = csvRecords((await api.expect(200, 'GET', '/api/v1/decisions.csv', { query: { ...query, formula: 'raw' } })).text);
	for (const r of safe) for (const [name, cell] of Object.entries(r)) assert.doesNotMatch(cell, /^[=+@\t\r]/, name);
	assert.deepEqual(new Set(raw.map((r) => r.user_agent)), new Set(AGENTS));
	assert.ok(safe.some((r) => r.user_agent === '\'=HYPERLINK("http://evil")'));
});

test('a bad filter is named with its place; a cursor of another filter is refused', async () => {
	for (const q of ['verdict:', 'verdict:perhaps', 'ip:10.0.0.0/99', 'nonsense:1', 'user:"open']) {
		const answer = await api.expect(400, 'GET', '/api/v1/decisions', { query: { q } });
		assert.match(answer.headers['content-type'], /^application\/problem\+json/, q);
		assert.match(answer.json().type, /invalid-query/, q);
		const found = await stack.cli(['audit', 'export', '--data', stack.dataDir, '--format', 'csv', '--filter', q]);
		assert.notEqual(found.code, 0, q);
		assert.ok(found.stderr.length > 0);
	}
	const page = await api.get('/api/v1/decisions', { q: 'verdict:deny', limit: 1 });
	await api.expect(400, 'GET', '/api/v1/decisions', { query: { q: 'verdict:allow', limit: 1, cursor: page.next_cursor } });
});

test('roles: a viewer sees masked rows and may not export, the rest of the API by its role', async () => {
	const password = 'a long enough phrase';
	for (const role of ['viewer', 'auditor', 'editor', 'publisher']) {
		await api.expect(201, 'POST', '/api/v1/admins', { body: { username: `${role}-1`, password, roles: [role] } });
	}
	const as = async (role) => { const a = new Api(stack.admin); await a.signIn(`${role}-1`, password); return a; };
	const viewer = await as('viewer'), auditor = await as('auditor'), editor = await as('editor'), publisher = await as('publisher');
	const seen = await viewer.get('/api/v1/decisions', { q: 'kind:request', limit: 50 });
	assert.ok(seen.items.length > 0);
	for (const e of seen.items) {
		assert.equal(e.masked, true);
		assert.ok(!['alice', 'bob'].includes(e.user), e.user);
		assert.equal(e.user_agent ?? null, null);
		assert.notEqual(e.src, '127.0.0.1');
	}
	await viewer.expect(403, 'GET', '/api/v1/decisions', { query: { q: 'user:alice' } });
	await viewer.expect(403, 'GET', '/api/v1/decisions.csv');
	await auditor.expect(200, 'GET', '/api/v1/decisions.csv', { query: { q: 'user:alice' } });
	// To look for a person is an act; an empty cursor is no further page.
	await auditor.expect(200, 'GET', '/api/v1/decisions', { query: { q: 'user:alice-unseen', cursor: '' } });
	await eventually('the search in the book', async () => {
		const acts = await auditor.get('/api/v1/admin-events', { order: 'desc', limit: 100 });
		return acts.items.some((a) => a.action === 'decisions.search' && a.actor === 'auditor-1' && a.target.includes('alice-unseen'));
	});
	const { etag, text } = await publisher.policySet();
	const body = { text, message: 'mine' };
	for (const low of [viewer, auditor, editor]) await low.expect(403, 'POST', '/api/v1/policy-set/versions', { headers: { 'if-match': etag }, body });
	await publisher.expect(201, 'POST', '/api/v1/policy-set/versions', { headers: { 'if-match': etag }, body: { ...body, text: `${text}\n` } });
	for (const low of [viewer, auditor, editor, publisher]) await low.expect(403, 'GET', '/api/v1/admins');

	const noCsrf = await request(`http://${stack.admin}/api/v1/session`, { method: 'DELETE', headers: { cookie: viewer.cookie, origin: `http://${stack.admin}` } });
	assert.equal(noCsrf.status, 403);
	const evil = await request(`http://${stack.admin}/api/v1/session`, { method: 'DELETE', headers: { cookie: viewer.cookie, 'x-csrf': viewer.csrf, origin: 'https://evil.example' } });
	assert.equal(evil.status, 403);
	const rebound = await request(`http://${stack.admin}/api/v1/session`, { headers: { cookie: viewer.cookie, host: 'evil.example' } });
	assert.ok([400, 403, 421].includes(rebound.status), `a Host that is not ours: ${rebound.status}`);
	await viewer.expect(204, 'DELETE', '/api/v1/session');
	await viewer.expect(401, 'GET', '/api/v1/session');
});

test('acts of admins are in the book: who, what, with which result', async () => {
	// The book is written behind the acts: they are waited for, all of them.
	const wished = {
		'an export': (e) => /export/.test(e.action),
		'a publish': (e) => /publish/.test(e.action),
		'the end of a session': (e) => /session/.test(e.action) && e.actor === 'viewer-1',
		'a denied attempt': (e) => e.result === 'denied' && e.actor === 'editor-1',
	};
	let found = [];
	for (const [what, is] of Object.entries(wished)) {
		await eventually(what, async () => {
			found = (await api.get('/api/v1/admin-events', { order: 'asc', limit: 1000 })).items;
			return found.some(is);
		});
	}
	assert.ok(!JSON.stringify(found).includes('a long enough phrase'));
});

test('the setup link works once', async () => {
	const again = new Api(stack.admin);
	await assert.rejects(again.setup(stack.setupLink(), 'second', 'another long phrase'), /40[39]|409/);
	const wrong = await again.call('POST', '/api/v1/session', { body: { username: 'root', password: 'not the one, sorry' } });
	assert.equal(wrong.status, 401);
});

test('every GET of the API document answers as the document says', async () => {
	for (const path of ['/api/v1/session', '/api/v1/setup', '/api/v1/policy-set', '/api/v1/policy-set/versions', '/api/v1/policy-set/versions/1', '/api/v1/policies', '/api/v1/admins',
		'/api/v1/admin-events', '/api/v1/system', '/health/live', '/health/ready', '/openapi.json', '/schema/policy.json']) {
		await api.expect(200, 'GET', path);
	}
	await api.expect(404, 'GET', '/api/v1/policy-set/versions/99999');
	await api.expect(404, 'GET', `/api/v1/decisions/${'0'.repeat(26)}`);
	assert.equal((await api.call('GET', '/api/v1/nothing', { check: false })).status, 404);
	assert.equal((await api.call('PUT', '/api/v1/decisions', { check: false, body: {} })).status, 405);
});

test('bad bodies get a named problem', async () => {
	for (const [body, status] of [['{', 400], ['{"text":1,"message":"x"}', 400], ['{"text":"{}","mesage":"x"}', 400], ['{"text":"a","text":"b"}', 400], ['[]', 400], ['', 400]]) {
		const answer = await api.call('POST', '/api/v1/policy-set/validation', { body });
		assert.ok([status, 422].includes(answer.status), `${body}: ${answer.status}`);
		assert.match(answer.json().type, /^urn:haward:problem:/);
	}
	const big = await api.call('POST', '/api/v1/session', { body: JSON.stringify({ username: 'x'.repeat(1 << 20), password: 'y' }) }).catch((error) => ({ status: 413, error }));
	assert.equal(big.status, 413);
});
