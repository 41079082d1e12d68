// What is counted, over time and by value, is what is listed, for every filter; who may count people; and the same above
// the rows of the dashboard.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Api } from './support/api.mjs';
import { isClean, launch, newPage, shoot, signInAt } from './support/browser.mjs';
import { bearer } from './support/http.mjs';
import { claims, jwksOf, makeKey, mint } from './support/issuer.mjs';
import { issuerEntry, policySet } from './support/policies.mjs';
import { Stack } from './support/stack.mjs';
import { eventually } from './support/wait.mjs';

const VERDICTS = ['deny', 'authenticate', 'redirect', 'limit', 'unavailable', 'allow'];
const FIELDS = ['verdict', 'service', 'policy', 'reason', 'user', 'method', 'ip', 'outcome_status', 'kind'];
const FILTERS = ['kind:request', 'verdict:deny', 'user:alice', '-user:alice kind:request', 'service:orders method:DELETE', 'path:/orders/3', 'outcome_status:200', 'user:nobody'];
let stack, api, to;

before(async () => {
	const key = await makeKey();
	stack = await Stack.up(null, { name: 'counts', policy: policySet(issuerEntry({ jwks: jwksOf(key) })) });
	api = await stack.signIn();
	const jobs = [];
	for (let i = 0; i < 120; i++) {
		const who = ['alice', 'bob', null][i % 3];
		const headers = who ? bearer(await mint(key, claims(who, { n: i }))) : {};
		jobs.push(stack.get(`/orders/${i % 7}`, headers, { method: ['GET', 'GET', 'GET', 'DELETE'][i % 4], timeout: 20000 }));
	}
	await stack.event((await Promise.all(jobs)).at(-1).headers['haward-event']);
	await eventually('all outcomes', async () => (await stack.book('kind:request')).every((e) => e.outcome), { every: 200 });
	to = new Date(Date.now() + 1).toISOString();
});
after(() => stack?.down());

async function listed(q, range = { to }) {
	const rows = [];
	for (let cursor; ;) {
		const page = await api.get('/api/v1/decisions', { q, ...range, limit: 500, ...(cursor ? { cursor } : {}) });
		rows.push(...page.items);
		if (page.exhausted) return rows;
		cursor = page.next_cursor;
	}
}

const valueOf = (row, field) => ({ ip: row.src, outcome_status: row.outcome?.status })[field] ?? row[field];

test('each step of time counts the rows that are listed for it', async () => {
	for (const q of FILTERS) {
		for (const step of [1, 3, undefined]) {
			const from = new Date(Date.parse(to) - 300000).toISOString();
			const found = await api.get('/api/v1/decisions/histogram', { q, from, to, ...(step && { step }) });
			assert.equal(found.exhausted, true);
			assert.equal(found.complete_from, null);
			const width = found.step * 1000;
			assert.equal(found.items.length, (Date.parse(found.to) - Date.parse(found.from)) / width);
			assert.ok(Date.parse(found.from) <= Date.parse(from) && Date.parse(found.to) >= Date.parse(to), 'only widened');
			assert.ok(!step || found.step === step);
			const rows = (await listed(q, { from: found.from, to: found.to }));
			assert.equal(found.n_rows, rows.length, q);
			for (const [i, bar] of found.items.entries()) {
				assert.equal(Date.parse(bar.time), Date.parse(found.from) + i * width);
				const inside = rows.filter((r) => Date.parse(r.time) >= Date.parse(bar.time) && Date.parse(r.time) < Date.parse(bar.time) + width);
				for (const verdict of VERDICTS) assert.equal(bar[verdict], inside.filter((r) => r.verdict === verdict).length, `${q} ${bar.time} ${verdict}`);
				assert.equal(bar.others, inside.filter((r) => !r.verdict).length);
			}
		}
	}
});

test('each value counts the rows that have it, the most frequent first', async () => {
	for (const q of FILTERS) {
		const found = await api.get('/api/v1/decisions/facets', { q, to, fields: FIELDS.join(','), top: 100 });
		const rows = await listed(q);
		assert.equal(found.n_rows, rows.length, q);
		assert.deepEqual(found.fields.map((f) => f.field), FIELDS);
		for (const { field, values, n_values, others } of found.fields) {
			const counts = new Map();
			for (const row of rows) {
				const value = valueOf(row, field);
				if (value !== null && value !== undefined && value !== '') counts.set(String(value), (counts.get(String(value)) ?? 0) + 1);
			}
			const wanted = [...counts].map(([value, count]) => ({ value, count })).sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1));
			assert.deepEqual(values, wanted, `${q} ${field}`);
			assert.deepEqual([n_values, others], [wanted.length, 0]);
		}
	}
	const top = await api.get('/api/v1/decisions/facets', { q: 'kind:request', to, fields: 'user,method', top: 1 });
	assert.deepEqual(top.fields.map((f) => [f.values.length, f.n_values]), [[1, 2], [1, 2]]);
});

test('what cannot be counted is refused with a reason; people are for auditors, and an act', async () => {
	const bad = async (path, query, wanted) => assert.match((await api.expect(400, 'GET', path, { query })).text, wanted);
	await bad('/api/v1/decisions/histogram', { step: 0 }, /'step' is 1 to/);
	await bad('/api/v1/decisions/histogram', { from: 'now-1d', step: 1 }, /more than 500 steps/);
	await bad('/api/v1/decisions/histogram', { from: 'now', to: 'now-1h' }, /ends before it starts/);
	await bad('/api/v1/decisions/histogram', { q: 'nonsense:1' }, /nonsense/);
	await bad('/api/v1/decisions/facets', { fields: 'path' }, /no field/);
	await bad('/api/v1/decisions/facets', { top: 101 }, /'top' is 1 to 100/);
	await api.expect(201, 'POST', '/api/v1/admins', { body: { username: 'look', password: 'a quiet river bend', roles: ['viewer'] } });
	const viewer = new Api(stack.admin);
	await viewer.signIn('look', 'a quiet river bend');
	assert.ok((await viewer.get('/api/v1/decisions/facets', { fields: 'verdict,service' })).n_rows >= 120);
	await viewer.expect(403, 'GET', '/api/v1/decisions/facets', { query: { fields: 'verdict,user' } });
	await viewer.expect(403, 'GET', '/api/v1/decisions/histogram', { query: { q: 'user:alice' } });
	const acts = (await api.get('/api/v1/admin-events', { q: 'action:decisions.count' })).items;
	assert.ok(acts.some((act) => act.target === 'user:alice'));
});

test('the dashboard: bars above the rows narrow the time, values narrow the filter', async () => {
	const all = (await listed('kind:request', {})).length; // the check whether the stack is up is one too
	const browser = await launch();
	try {
		for (const look of [{ name: 'counts-light-1280' }, { name: 'counts-dark-390', dark: true, width: 390, height: 844 }]) {
			const page = await newPage(browser, look);
			await signInAt(page, stack, '/decisions?from=now-15m&q=kind:request');
			await page.locator('.histogram').getByText('granted').first().waitFor();
			assert.match(await page.locator('.histogram figcaption').innerText(), new RegExp(`^${all} in 15 min.*: \\d+ granted, \\d+ refused`));
			await page.getByText('Count by value').click();
			await page.locator('.facet').first().waitFor();
			await isClean(page, look.name);
			await shoot(page, look.name);
			await page.getByRole('button', { name: 'Leave out user bob' }).click();
			await page.locator('.histogram figcaption').filter({ hasText: new RegExp(`^${all - 40} `) }).waitFor();
			await page.locator('.facet').getByRole('button', { name: 'alice', exact: true }).click();
			await page.locator('.histogram figcaption').filter({ hasText: /^40 / }).waitFor();
			assert.match(new URL(page.url()).searchParams.get('q'), /-user:bob.*user:alice/);
			const bars = page.locator('.bars g');
			const last = await bars.evaluateAll((all) => all.findLastIndex((g) => Number(g.querySelector('.good').getAttribute('height')) > 0));
			await bars.nth(last).locator('.hit').click({ force: true });
			await page.waitForFunction(() => !new URL(location.href).searchParams.get('from').startsWith('now'));
			await page.locator('table.decisions').waitFor();
			await page.close();
		}
	} finally {
		await browser.close();
	}
});
