// Quotas through HAProxy: all of one may be used at once and no more, each user has their own, it is told when the next
// period begins, and neither an end nor a kill of the agent grants anything twice.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as jose from 'jose';
import { bearer } from './support/http.mjs';
import { ISSUER, claims, jwksOf, makeKey, mint, now } from './support/issuer.mjs';
import { issuerEntry, policySet } from './support/policies.mjs';
import { Stack } from './support/stack.mjs';

const USER = ['request.auth.principal'];
let key;

before(async () => {
	key = await makeKey('RS256', 'k-1');
});

const everybody = { name: 'users', action: 'ALLOW', services: ['orders'], rules: [{ from: [{ source: { requestPrincipals: ['*'] } }] }] };
const up = (t, limits, more = {}, settings = {}) => Stack.up(t, {
	name: 'quota', policy: { ...policySet(issuerEntry({ jwks: jwksOf(key), ...more }), [everybody]), limits }, settings: { spop: { workers: 3 }, ...settings },
});
const as = async (user) => bearer(await mint(key, claims(user)));
const asked = async (stack, headers, n, pathname = '/orders/1') => (await Promise.all(Array.from({ length: n }, () => stack.get(pathname, headers)))).map((answer) => answer.status);
const granted = (statuses) => statuses.filter((status) => status === 200).length;
const untilMidnight = () => 86400 - (now() % 86400);

test('a quota a day: each user has their own, the rest is told when tomorrow is, and the book says why', async (t) => {
	const stack = await up(t, [{ name: 'daily', period: 'day', requests: 20, per: USER }]);
	const [alice, bob] = [await as('alice'), await as('bob')];
	const first = await stack.get('/orders/1', alice);
	assert.equal(first.status, 200);
	assert.match(first.headers.ratelimit, /^"daily";r=19;t=\d+$/);
	assert.equal(first.headers['ratelimit-policy'], '"daily";q=20;w=86400');
	const statuses = [];
	for (let i = 0; i < 5; i++) statuses.push(...await asked(stack, alice, 8));
	assert.equal(granted(statuses), 19);
	assert.deepEqual([...new Set(statuses)].sort(), [200, 429]);
	const refused = await stack.get('/orders/1', alice);
	const wait = Number(refused.headers['retry-after']);
	assert.ok(Math.abs(wait - untilMidnight()) <= 2, `${wait} s`);
	assert.equal(refused.headers.ratelimit, `"daily";r=0;t=${wait}`);
	const event = await stack.event(refused.headers['haward-event'], { outcome: false });
	assert.deepEqual([event.verdict, event.reason, event.policy, event.user], ['limit', 'quota_exceeded', 'limit:daily', 'alice']);
	assert.deepEqual([event.why[0].rule, event.why[0].condition, event.why[0].expected], ['/limits/0', 'per request.auth.principal', '20 a day']);
	assert.equal((await stack.get('/orders/1', bob)).status, 200);
	assert.equal((await stack.get('/orders/1')).status, 401, 'who is refused does not count');
});

test('a kill grants nothing twice, and an end loses nothing', async (t) => {
	const stack = await up(t, [{ name: 'monthly', period: 'month', requests: 400, per: USER }]);
	const headers = await as('carla');
	let sum = granted(await asked(stack, headers, 50));
	assert.equal(sum, 50);
	await stack.haward.stop();
	await stack.startHaward();
	await stack.flowing();
	const told = await stack.get('/orders/1', headers);
	assert.match(told.headers.ratelimit, /^"monthly";r=349;/, 'an orderly end gives back what was reserved');
	sum++;
	for (let i = 0; i < 3; i++) {
		sum += granted(await asked(stack, headers, 30));
		await stack.haward.stop({ signal: 'SIGKILL' });
		await stack.startHaward();
		await stack.flowing();
	}
	for (let statuses = [200]; granted(statuses) > 0;) {
		statuses = await asked(stack, headers, 40);
		sum += granted(statuses);
	}
	assert.ok(sum <= 400, `${sum} of 400 granted`);
	assert.ok(sum >= 400 - 3 * 34, `${sum} of 400 granted: a kill loses a block and what others waited for at that moment`);
});

test('a quota and a rate: what one refuses does not count to the other; a shadow lets through', async (t) => {
	const limit = (name, paths, more) => ({ name, services: ['orders'], rules: [{ to: [{ operation: { paths } }] }], per: USER, ...more });
	const stack = await up(t, [
		limit('day', ['/orders/both'], { period: 'day', requests: 5 }),
		limit('slow', ['/orders/both'], { requests: 2, periodSeconds: 600, burst: 2 }),
		limit('quiet', ['/orders/quiet'], { period: 'day', requests: 1, mode: 'shadow' }),
	]);
	const headers = await as('dora');
	const answers = [];
	for (let i = 0; i < 4; i++) answers.push(await stack.get('/orders/both', headers));
	assert.deepEqual(answers.map((a) => a.status), [200, 200, 429, 429]);
	assert.match(answers[1].headers.ratelimit, /^"day";r=3;t=\d+, "slow";r=0;t=\d+$/);
	assert.match(answers[3].headers.ratelimit, /^"slow";r=0;/);
	const quiet = [];
	for (let i = 0; i < 3; i++) quiet.push(await stack.get('/orders/quiet', headers));
	assert.deepEqual(quiet.map((a) => a.status), [200, 200, 200]);
	const events = await Promise.all(quiet.map((a) => stack.event(a.headers['haward-event'], { outcome: false })));
	assert.deepEqual(events.map((e) => e.shadow?.policy ?? null), [null, 'limit:quiet', 'limit:quiet']);
});

test('a proof that is shown once is good for a request that has to wait for its quota', async (t) => {
	const stack = await up(t, [{ name: 'daily', period: 'day', requests: 3, per: USER }]);
	const pair = await jose.generateKeyPair('ES256', { extractable: true });
	const jwk = await jose.exportJWK(pair.publicKey);
	const token = await mint(key, claims('emil', { cnf: { jkt: await jose.calculateJwkThumbprint(jwk) } }));
	const ath = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(token))).toString('base64url');
	const proof = (jti) => new jose.SignJWT({ htm: 'GET', htu: `${stack.url}/orders/1`, ath, jti, iat: now() }).setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk }).sign(pair.privateKey);
	const ask = (shown) => stack.get('/orders/1', { authorization: `DPoP ${token}`, dpop: shown });
	const once = await proof('p-1');
	const statuses = [];
	for (const shown of [once, once, await proof('p-2'), await proof('p-3'), await proof('p-4')]) statuses.push((await ask(shown)).status);
	assert.deepEqual(statuses, [200, 401, 200, 200, 429]);
	assert.ok(ISSUER);
});
