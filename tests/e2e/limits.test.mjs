// Limits through HAProxy: exact with two workers, per user, answered with 429 and its fields, in shadow, and over a
// publication.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessibility, launch, newPage, overflow, shoot, signInAt } from './support/browser.mjs';
import { bearer, request } from './support/http.mjs';
import { claims, jwksOf, makeKey, mint } from './support/issuer.mjs';
import { issuerEntry, policySet } from './support/policies.mjs';
import { run } from './support/proc.mjs';
import { Stack } from './support/stack.mjs';
import { eventually } from './support/wait.mjs';

let stack, key, api;
const USER = ['request.auth.principal'];
const limit = (name, paths, more) => ({ name, services: ['orders'], rules: [{ to: [{ operation: { paths } }] }], ...more });
const limits = [
	limit('steady', ['/orders/steady'], { requests: 100, periodSeconds: 1 }),
	limit('mine', ['/orders/mine', '/orders/both'], { per: USER, requests: 3, periodSeconds: 600, burst: 3 }),
	limit('both', ['/orders/both'], { requests: 2, periodSeconds: 600, burst: 2 }),
	limit('quiet', ['/orders/quiet'], { per: USER, requests: 1, periodSeconds: 600, burst: 1, mode: 'shadow' }),
	limit('off', ['/orders/off'], { requests: 1, periodSeconds: 600, burst: 1, mode: 'disabled' }),
];
const set = (more = {}) => ({
	...policySet(issuerEntry({ jwks: jwksOf(key) }), [{ name: 'users', action: 'ALLOW', services: ['orders'], rules: [{ from: [{ source: { requestPrincipals: ['*'] } }] }] }]),
	limits, ...more,
});
const as = async (user) => bearer(await mint(key, claims(user)));

before(async () => {
	key = await makeKey();
	stack = await Stack.up(null, { name: 'limits', policy: set(), settings: { spop: { workers: 2 } } });
	api = await stack.signIn();
});
after(() => stack?.down());

test('two workers, eight connections: 100 a second are 100 in each', async () => {
	const { authorization } = await as('alice');
	const load = await run('wrk', ['-t1', '-c8', '-d6s', '-H', `Authorization: ${authorization}`, `http://${stack.edge}/orders/steady`], { timeout: 30000 });
	assert.equal(load.code, 0, load.stderr);
	const answered = Number(load.stdout.match(/(\d+) requests in/)[1]);
	const refused = Number(load.stdout.match(/Non-2xx or 3xx responses: (\d+)/)[1]);
	assert.ok(answered > 1000, `${answered} asked is no load`);
	const granted = await eventually('the book', async () => {
		const found = await api.decisions('path:/orders/steady verdict:allow');
		return found.length >= answered - refused && found;
	});
	const moments = granted.map((event) => Date.parse(event.time ?? event.at)).sort((x, y) => x - y);
	// a second that begins with any of them has not more than one too many
	for (const [i, from] of moments.entries()) {
		const n = moments.slice(i).filter((at) => at < from + 1000).length;
		assert.ok(n <= 102, `${n} in the second after ${new Date(from).toISOString()}`);
	}
	const counts = [];
	for (let from = moments[0] + 500; from + 1000 < moments.at(-1); from += 1000) counts.push(moments.filter((at) => at >= from && at < from + 1000).length);
	assert.ok(counts.length >= 4 && counts.every((n) => n <= 101), `granted in each second: ${counts}`);
	// a machine that is busy with something else asks for less now and then
	const median = [...counts].sort((x, y) => x - y)[Math.floor(counts.length / 2)];
	assert.ok(median >= 99, `granted in each second: ${counts}`);
});

test('each user has their own; the rest is refused with when to come again, and the book says why', async () => {
	const [alice, bob] = [await as('alice'), await as('bob')];
	for (const left of [2, 1, 0]) {
		const answer = await stack.get('/orders/mine', alice);
		assert.equal(answer.status, 200);
		assert.match(answer.headers.ratelimit, new RegExp(`^"mine";r=${left};t=\\d+$`));
		assert.equal(answer.headers['ratelimit-policy'], '"mine";q=3;w=600');
	}
	const refused = await stack.get('/orders/mine', alice);
	assert.equal(refused.status, 429);
	const wait = Number(refused.headers['retry-after']);
	assert.ok(wait > 150 && wait <= 200, `retry after ${wait} s`);
	assert.match(refused.headers.ratelimit, new RegExp(`^"mine";r=0;t=${wait}$`));
	assert.equal((await stack.get('/orders/mine', bob)).status, 200);
	assert.equal((await stack.get('/orders/mine')).status, 401, 'who is refused does not count');
	const event = await stack.event(refused.headers['haward-event'], { outcome: false });
	assert.deepEqual([event.verdict, event.reason, event.policy, event.user], ['limit', 'rate_limited', 'limit:mine', 'alice']);
	assert.deepEqual([event.why[0].rule, event.why[0].condition, event.why[0].expected], ['/limits/1', 'per request.auth.principal', '3 in 600 s']);
	assert.match(event.why[0].value, /\/alice$/);
	assert.equal((await api.decisions('policy:limit:mine')).length, 1);
	assert.equal((await stack.get('/orders/elsewhere', alice)).headers.ratelimit, undefined);
});

test('what a second limit refuses does not count to the first', async () => {
	const [carla, dora] = [await as('carla'), await as('dora')];
	const answers = [];
	for (const headers of [carla, dora, carla, carla, carla]) answers.push(await stack.get('/orders/both', headers));
	assert.deepEqual(answers.map((a) => a.status), [200, 200, 429, 429, 429]);
	assert.match(answers[0].headers.ratelimit, /^"mine";r=2;t=\d+, "both";r=1;t=\d+$/);
	assert.match(answers[0].headers['ratelimit-policy'], /^"mine";q=3;w=600, "both";q=2;w=600$/);
	assert.match(answers[2].headers.ratelimit, /^"both";r=0;t=\d+$/);
	assert.equal((await stack.event(answers[2].headers['haward-event'], { outcome: false })).policy, 'limit:both');
	for (const status of [200, 200, 429]) assert.equal((await stack.get('/orders/mine', carla)).status, status, 'one of three was used');
});

test('a shadow lets through and is recorded; one that is disabled does nothing', async () => {
	const headers = await as('emil');
	const answers = [];
	for (let i = 0; i < 3; i++) answers.push(await stack.get('/orders/quiet', headers));
	for (const answer of answers) {
		assert.equal(answer.status, 200);
		assert.equal(answer.headers.ratelimit, undefined);
	}
	const events = await Promise.all(answers.map((a) => stack.event(a.headers['haward-event'], { outcome: false })));
	assert.deepEqual(events.map((e) => e.shadow_policy ?? e.shadow?.policy ?? null), [null, 'limit:quiet', 'limit:quiet']);
	for (let i = 0; i < 3; i++) assert.equal((await stack.get('/orders/off', headers)).status, 200);
});

test('a publication resets no count, unless the limit is another', async () => {
	const headers = await as('frida');
	for (const status of [200, 200, 200, 429]) assert.equal((await stack.get('/orders/mine', headers)).status, status);
	await api.publish(set({ limits: [...limits, limit('new', ['/orders/new'], { requests: 1, periodSeconds: 60 })] }), 'one more');
	assert.equal((await stack.get('/orders/mine', headers)).status, 429);
	await api.publish(set({ limits: limits.map((l) => (l.name === 'mine' ? { ...l, requests: 4, burst: 4 } : l)) }), 'another');
	assert.equal((await stack.get('/orders/mine', headers)).status, 200);
});

test('imagined requests do not count', async () => {
	const request = { method: 'GET', host: 'api.example', path: '/orders/mine', service: 'orders', claims: { iss: 'https://issuer.example', sub: 'gina' } };
	for (let i = 0; i < 5; i++) {
		const found = (await api.expect(200, 'POST', '/api/v1/policy-set/evaluations', { body: { request } })).json();
		assert.notEqual(found.verdict, 'limit');
	}
});

test('what each limit counted and refused is told by the API, the metrics and the page', async (t) => {
	const { version, limits: told } = await api.get('/api/v1/policies');
	assert.ok(version);
	const of = Object.fromEntries(told.map((one) => [one.name, one]));
	assert.deepEqual([of.mine.amount, of.mine.per, of.mine.services, of.mine.mode], ['4 in 600 s', USER, ['orders'], 'enforce']);
	assert.ok(of.mine.hits.decided >= 1 && of.mine.hits.matched > of.mine.hits.decided);
	assert.deepEqual([of.quiet.mode, of.quiet.hits.decided, of.quiet.hits.would_change], ['shadow', 0, 2]);
	assert.deepEqual([of.off.hits.matched, of.off.hits.last_at], [0, null]);
	const metrics = (await request(`http://${stack.admin}/metrics`)).text;
	assert.match(metrics, new RegExp(`^haward_policy_decided_total\\{policy="limit:mine"\\} ${of.mine.hits.decided}$`, 'm'));
	const browser = await launch();
	t.after(() => browser.close());
	const page = await newPage(browser);
	await signInAt(page, stack, '/policies');
	await page.getByRole('heading', { name: 'Limits' }).waitFor();
	await page.getByRole('row', { name: /mine.*4 in 600 s/ }).waitFor();
	assert.deepEqual(page.problems, []);
	assert.deepEqual(await accessibility(page), []);
	await shoot(page, 'limits-light-1280');
	await page.setViewportSize({ width: 390, height: 844 });
	await page.emulateMedia({ colorScheme: 'dark' });
	assert.equal(await overflow(page), 0);
	await shoot(page, 'limits-dark-390');
});
