// Where people sign in is the issuer's word: a provider that is away at the start, comes, moves, and lies.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, test } from 'node:test';
import { request } from './support/http.mjs';
import { Jar, loginPolicy, page, script } from './support/login.mjs';
import { freePorts } from './support/ports.mjs';
import { startProvider } from './support/provider.mjs';
import { Stack } from './support/stack.mjs';
import { eventually } from './support/wait.mjs';

let stack, provider, liar;

after(async () => {
	await stack?.down();
	await provider?.stop();
	liar?.close();
});

test('a provider that is not there yet: the reason is its own, and mends itself', async () => {
	const [port] = await freePorts(1);
	const issuer = `http://127.0.0.1:${port}`;
	stack = await Stack.up(null, {
		name: 'login-discovery', example: 'oidc-login', settings: { spop: { workers: 2 }, fetch: { floor_s: 1 } },
		policy: (s) => loginPolicy(s, { issuer }),
	});
	const sent = await request(`${stack.url}/orders/1`, { headers: page });
	assert.equal(sent.status, 503);
	assert.equal(sent.headers.location, undefined);
	assert.equal(sent.headers['set-cookie'], undefined);
	const event = await stack.event(sent.headers['haward-event']);
	assert.deepEqual([event.reason, event.verdict, event.status, event.destination_service ?? event.service], ['login_endpoints_unknown', 'unavailable', 503, 'orders']);
	assert.equal((await request(`${stack.url}/orders/1`, { headers: script })).status, 401, 'a script is told as ever');
	assert.equal((await request(`${stack.url}/`, { headers: page })).status, 200, 'and what is open stays open');

	// somebody else answers in its place: the document has to be of this issuer
	liar = http.createServer((req, res) => res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({
		issuer: 'http://127.0.0.1:1', jwks_uri: `${issuer}/jwks`, authorization_endpoint: 'http://evil.example/auth', token_endpoint: `${issuer}/token`,
	})));
	let n = 0;
	liar.on('request', () => { n++; });
	await new Promise((resolve) => { liar.listen(port, '127.0.0.1', resolve); });
	await eventually('the liar to be asked', async () => {
		assert.equal((await request(`${stack.url}/orders/1`, { headers: page })).status, 503);
		return n > 1;
	}, { ms: 30000 });
	await new Promise((resolve) => { liar.close(resolve); liar.closeAllConnections(); });

	provider = await startProvider({ app: stack.url, port });
	const found = await eventually('the way to the provider', async () => {
		const one = await request(`${stack.url}/orders/1`, { headers: page });
		return one.status === 302 ? one : null;
	}, { ms: 60000 });
	assert.ok(found.headers.location.startsWith(`${issuer}/auth?response_type=code&`));
	const jar = new Jar();
	const back = await eventually('somebody to be signed in', async () => {
		const one = await jar.signIn(`${stack.url}/orders/1`, 'alice');
		return one.status === 302 ? one : null;
	}, { ms: 30000 });
	assert.equal(back.headers.location, '/orders/1');
	assert.equal((await jar.get(`${stack.url}/orders/1`, script)).status, 200);
	const out = await jar.get(`${stack.url}/.haward/logout`, { ...page, 'sec-fetch-site': 'none' });
	assert.ok(out.headers.location.startsWith(`${issuer}/session/end?`), 'its end_session_endpoint is found as well');
});
