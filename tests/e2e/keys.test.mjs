// Keys from an issuer over HTTP: rotation, outages, rubbish.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bearer } from './support/http.mjs';
import { claims, jwksOf, makeKey, mint, startJwksServer } from './support/issuer.mjs';
import { issuerEntry, policySet } from './support/policies.mjs';
import { Stack } from './support/stack.mjs';
import { eventually, sleep } from './support/wait.mjs';

async function withServer(t, name, jwks, options) {
	const server = await startJwksServer(jwks, options);
	const stack = await Stack.up(t, { name, policy: policySet(issuerEntry({ jwksUri: server.url })), settings: { fetch: { floor_s: 1 } } });
	t.after(() => server.stop().catch(() => {}));
	return { server, stack };
}

test('a token of a rotated key works within one refetch; nobody waits for it', async (t) => {
	const [old, fresh] = [await makeKey('RS256', 'old'), await makeKey('RS256', 'fresh')];
	const { server, stack } = await withServer(t, 'rotation', jwksOf(old));
	const ask = async (key) => (await stack.get('/orders/1', bearer(await mint(key)))).status;
	await eventually('the first keys', async () => (await ask(old)) === 200);
	const before = server.state.hits;
	server.state.jwks = jwksOf(old, fresh);
	const first = await stack.get('/orders/1', bearer(await mint(fresh)));
	assert.equal(first.status, 401, 'the first one is refused, not held');
	await eventually('the fresh key', async () => (await ask(fresh)) === 200, { ms: 15000, every: 100 });
	assert.equal(await ask(old), 200);
	assert.ok(server.state.hits - before <= 2, `${server.state.hits - before} fetches for one rotation`);

	server.state.jwks = jwksOf(fresh);
	const hits = server.state.hits;
	for (let i = 0; i < 30; i++) await stack.get('/orders/1', bearer(await mint(await shared(), claims())));
	assert.ok(server.state.hits - hits <= 3, `${server.state.hits - hits} fetches for 30 unknown keys: the floor interval`);
});

let one;
const shared = async () => (one ??= await makeKey('RS256', 'nobody-has-this'));

test('the issuer goes away, or talks rubbish: known keys go on working', async (t) => {
	const key = await makeKey('RS256', 'only');
	const { server, stack } = await withServer(t, 'idp-down', jwksOf(key), { maxAge: 1 });
	const ask = async () => (await stack.get('/orders/1', bearer(await mint(key)))).status;
	await eventually('the first keys', async () => (await ask()) === 200);
	for (const rubbish of [{ keys: 'none' }, { keys: [{ kty: 'RSA', n: 'x' }] }, 'text']) {
		server.state.jwks = rubbish;
		await stack.get('/orders/1', bearer(await mint(await shared())));
		await sleep(300);
		assert.equal(await ask(), 200, JSON.stringify(rubbish));
	}
	server.state.broken = true;
	await stack.get('/orders/1', bearer(await mint(await shared())));
	await sleep(300);
	assert.equal(await ask(), 200);
	await server.stop();
	for (let i = 0; i < 10; i++) {
		assert.equal(await ask(), 200);
		await sleep(200);
	}
});

test('the issuer is down when Haward starts: refused, then allowed once it is back', async (t) => {
	const key = await makeKey('RS256', 'late');
	const first = await startJwksServer(jwksOf(key));
	await first.stop();
	const stack = await Stack.up(t, { name: 'idp-late', policy: policySet(issuerEntry({ jwksUri: first.url })), settings: { fetch: { floor_s: 1 } } });
	const ask = async () => stack.get('/orders/1', bearer(await mint(key)));
	const refused = await ask();
	assert.ok([401, 503].includes(refused.status), `${refused.status}`);
	assert.match((await stack.event(refused.headers['haward-event'], { outcome: false })).reason, /keys_unavailable|key_unknown/);
	const server = await startJwksServer(jwksOf(key), { port: first.port });
	t.after(() => server.stop());
	await eventually('the keys', async () => (await ask()).status === 200, { ms: 40000, every: 250 });
});

for (const alg of ['RS384', 'PS256', 'ES256', 'ES384', 'EdDSA']) {
	test(`${alg} made by another implementation`, async (t) => {
		const key = await makeKey(alg);
		const other = await makeKey(alg, key.kid);
		const stack = await Stack.up(t, { name: `alg-${alg}`, policy: policySet(issuerEntry({ jwks: jwksOf(key), algorithms: [alg] })) });
		assert.equal((await stack.get('/orders/1', bearer(await mint(key)))).status, 200);
		assert.equal((await stack.get('/orders/1', bearer(await mint(other)))).status, 401);
	});
}
