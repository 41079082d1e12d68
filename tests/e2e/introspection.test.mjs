// Opaque tokens: asked about at a real provider, and at servers that are none.
import assert from 'node:assert/strict';
import http from 'node:http';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Provider } from 'oidc-provider';
import { bearer } from './support/http.mjs';
import { readOrders } from './support/policies.mjs';
import { Stack } from './support/stack.mjs';
import { eventually, sleep } from './support/wait.mjs';

const SECRET = 'the client secret: with / and + and %';

const listen = (server) => new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', () => resolve(server.address().port)));
const close = (server) => new Promise((resolve) => { server.closeAllConnections?.(); server.close(resolve); });

// A policy set with one issuer that has no keys here: all its tokens are asked about.
function asking(stack, issuer, endpoint, { secret = SECRET, policies = [readOrders({ users: [`${issuer}/*`] })], ...introspection } = {}) {
	fs.writeFileSync(path.join(stack.dir, 'client.secret'), `${secret}\n`, { mode: 0o600 });
	return {
		apiVersion: 'haward/v1',
		issuers: [{ issuer, introspection: { endpoint, clientId: 'haward', clientSecretFile: 'client.secret', ...introspection } }],
		services: [{ name: 'orders', paths: ['/orders', '/orders/{**}'] }],
		policies,
	};
}

const recorded = async (stack, answer) => stack.event(answer.headers['haward-event'], { outcome: false });

// Everything but the sign-in page of a provider: tokens are issued by its own models.
async function startProvider(auth = 'client_secret_basic') {
	const server = http.createServer((req, res) => (req.url.includes('/introspection') && (state.asked++, state.held) ? state.waiting.push([req, res]) : state.handle(req, res)));
	const port = await listen(server);
	const issuer = `http://127.0.0.1:${port}`;
	const provider = new Provider(issuer, {
		clients: [
			{ client_id: 'app', client_secret: 'app-secret', redirect_uris: ['https://app.example/cb'] },
			{ client_id: 'haward', client_secret: SECRET, redirect_uris: [], response_types: [], grant_types: [], token_endpoint_auth_method: auth },
		],
		scopes: ['openid', 'orders:read'],
		features: { introspection: { enabled: true }, devInteractions: { enabled: false } },
		findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
	});
	const state = { asked: 0, held: false, waiting: [], handle: provider.callback() };
	return {
		issuer, state, provider,
		endpoint: `${issuer}/token/introspection`,
		release() {
			state.held = false;
			for (const [req, res] of state.waiting.splice(0)) state.handle(req, res);
		},
		async token(sub, seconds = 600) {
			const client = await provider.Client.find('app');
			const grant = new provider.Grant({ accountId: sub, clientId: 'app' });
			grant.addOIDCScope('openid orders:read');
			const token = new provider.AccessToken({ accountId: sub, client, grantId: await grant.save(), scope: 'openid orders:read', gty: 'authorization_code', expiresIn: seconds });
			return token.save();
		},
		revoke: async (value) => (await provider.AccessToken.find(value)).destroy(),
		stop: () => close(server),
	};
}

async function withProvider(t, name, { workers = 2, ...options } = {}) {
	const idp = await startProvider(options.auth);
	t.after(() => idp.stop());
	const stack = await Stack.up(t, { name, policy: (s) => asking(s, idp.issuer, idp.endpoint, options), settings: { spop: { workers } } });
	return { idp, stack };
}

test('an opaque token is its issuer\'s to judge: allowed, expired, revoked, unknown', async (t) => {
	const { idp, stack } = await withProvider(t, 'introspection', { cacheSeconds: 1, negativeCacheSeconds: 1 });
	const token = await idp.token('alice');
	assert.doesNotMatch(token, /\..*\./, 'a provider that issues JWTs tests nothing here');
	const first = await stack.get('/orders/1', bearer(token));
	assert.equal(first.status, 200);
	const event = await recorded(stack, first);
	assert.equal(event.user, 'alice');
	assert.equal(event.client, 'app');
	assert.equal(event.issuer, idp.issuer);
	assert.equal(event.auth_method, 'introspection');
	assert.ok(event.took_us === undefined || event.took_us > 0);
	assert.equal((await stack.get('/orders/1', { ...bearer(token) }, { method: 'DELETE' })).status, 403, 'known, and not allowed that');

	const unknown = await stack.get('/orders/1', bearer('nobody-issued-this'));
	assert.equal(unknown.status, 401);
	assert.match(unknown.headers['www-authenticate'], /error="invalid_token"/);
	assert.equal((await recorded(stack, unknown)).reason, 'token_inactive');

	await idp.revoke(token);
	await eventually('the revocation to count', async () => (await stack.get('/orders/1', bearer(token))).status === 401, { ms: 5000 });
	const short = await idp.token('bert', 2);
	assert.equal((await stack.get('/orders/1', bearer(short))).status, 200);
	await eventually('the token to expire', async () => (await stack.get('/orders/1', bearer(short))).status === 401, { ms: 6000 });
});

test('many ask for one token: one question, and nobody else waits', async (t) => {
	const { idp, stack } = await withProvider(t, 'single-flight', { cacheSeconds: 30 });
	const token = await idp.token('alice');
	idp.state.held = true;
	const all = Array.from({ length: 40 }, () => stack.get('/orders/1', bearer(token)));
	await eventually('the question', () => idp.state.asked > 0, { ms: 3000, every: 5 });
	const began = performance.now();
	assert.equal((await stack.get('/orders/1')).status, 401, 'who needs no answer is answered');
	assert.ok(performance.now() - began < 250, `${performance.now() - began} ms`);
	idp.release();
	assert.deepEqual((await Promise.all(all)).map((answer) => answer.status).filter((status) => status !== 200), []);
	assert.equal(idp.state.asked, 1);
	for (let i = 0; i < 20; i++) assert.equal((await stack.get('/orders/1', bearer(token))).status, 200);
	assert.ok(idp.state.asked <= 4, `each worker asks once at most, not ${idp.state.asked} times`);
});

test('client_secret_post; a wrong secret is said where operators look', async (t) => {
	const { idp, stack } = await withProvider(t, 'secret-post', { auth: 'client_secret_post' });
	const token = await idp.token('alice');
	assert.equal((await stack.get('/orders/1', bearer(token))).status, 200);

	const other = await Stack.up(t, { name: 'secret-wrong', policy: (s) => asking(s, idp.issuer, idp.endpoint, { auth: 'client_secret_post', secret: 'not the secret' }) });
	const refused = await other.get('/orders/1', bearer(token));
	assert.equal(refused.status, 503);
	assert.equal((await recorded(other, refused)).reason, 'introspection_unavailable');
	const api = await other.signIn();
	const system = await api.get('/api/v1/system');
	const [endpoint] = system.asks.introspection;
	assert.equal(endpoint.url, idp.endpoint);
	assert.equal(endpoint.state, 'failing');
	assert.match(endpoint.error, /status 401/);
	assert.ok(endpoint.failed >= 1 && endpoint.failed_at);
	assert.doesNotMatch(JSON.stringify(system) + other.haward.output(), /not the secret|not%20the%20secret/);
	assert.doesNotMatch(await other.book(null, { format: 'csv' }), new RegExp(token));
});

test('the provider goes away: what is known goes on, what is not is unavailable', async (t) => {
	const { idp, stack } = await withProvider(t, 'idp-gone', { cacheSeconds: 5, workers: 1 });
	const [known, fresh] = [await idp.token('alice'), await idp.token('bert')];
	assert.equal((await stack.get('/orders/1', bearer(known))).status, 200);
	idp.state.held = true;
	const late = await stack.get('/orders/1', bearer(fresh));
	assert.equal(late.status, 503);
	assert.equal((await recorded(stack, late)).reason, 'authentication_timeout');
	assert.equal((await stack.get('/orders/1', bearer(known))).status, 200);
	await idp.stop();
	await sleep(100);
	const another = await stack.get('/orders/1', bearer('another'));
	assert.equal(another.status, 503);
	assert.equal((await recorded(stack, another)).reason, 'introspection_unavailable');
});

// ---- servers that are no provider ----

const JSON_TYPE = { 'content-type': 'application/json' };
const yes = (issuer) => JSON.stringify({ active: true, iss: issuer, sub: 'mallory' });
const endless = (res, what) => {
	const timer = setInterval(() => res.write(what), 5);
	res.on('close', () => clearInterval(timer));
};

const HOSTILE = {
	'garbage': (req, res) => res.writeHead(200, JSON_TYPE).end('\u0000\u0001active true'),
	'an empty body': (req, res) => res.writeHead(200, JSON_TYPE).end(),
	'HTML': (req, res, me) => res.writeHead(200, { 'content-type': 'text/html' }).end(yes(me)),
	'no type': (req, res, me) => res.writeHead(200).end(yes(me)),
	'active as text': (req, res, me) => res.writeHead(200, JSON_TYPE).end(JSON.stringify({ active: 'true', iss: me, sub: 'mallory' })),
	'active twice': (req, res, me) => res.writeHead(200, JSON_TYPE).end(`{"active":true,"active":true,"sub":"mallory","iss":"${me}"}`),
	'a deep nest': (req, res) => res.writeHead(200, JSON_TYPE).end(`{"active":true,"x":${'['.repeat(20000)}${']'.repeat(20000)}}`),
	'too large': (req, res, me) => res.writeHead(200, JSON_TYPE).end(JSON.stringify({ active: true, iss: me, sub: 'mallory', x: 'x'.repeat(300000) })),
	'a hundred megabytes': (req, res) => { res.writeHead(200, { ...JSON_TYPE, 'content-length': 100000000 }); endless(res, 'x'.repeat(65536)); },
	'a redirect': (req, res, me) => res.writeHead(302, { location: `${me}/good`, ...JSON_TYPE }).end(yes(me)),
	'a refusal': (req, res, me) => res.writeHead(401, JSON_TYPE).end(yes(me)),
	'an error': (req, res, me) => res.writeHead(500, JSON_TYPE).end(yes(me)),
	'created': (req, res, me) => res.writeHead(201, JSON_TYPE).end(yes(me)),
	'half an answer': (req, res, me) => { res.writeHead(200, { ...JSON_TYPE, 'content-length': 1000 }); res.write(yes(me)); setTimeout(() => res.destroy(), 20); },
	'a closed door': (req, res) => res.destroy(),
};
const LATE = {
	'silence': () => {},
	'no end': (req, res) => { res.writeHead(200, JSON_TYPE); endless(res, ' '); },
};
const REFUSED = {
	'another issuer': [(req, res) => res.writeHead(200, JSON_TYPE).end(JSON.stringify({ active: true, iss: 'https://other.example', sub: 'mallory' })), 'issuer_unknown'],
	'an expired token': [(req, res, me) => res.writeHead(200, JSON_TYPE).end(JSON.stringify({ active: true, iss: me, sub: 'mallory', exp: 1 })), 'token_expired'],
};

test('no answer of a hostile endpoint lets anybody in', async (t) => {
	let behave;
	const seen = { good: 0 };
	const server = http.createServer((req, res) => {
		req.resume();
		if (req.url === '/good') seen.good++;
		behave(req, res, issuer);
	});
	const issuer = `http://127.0.0.1:${await listen(server)}`;
	t.after(() => close(server));
	// the example with the longer deadline: a busy machine is no hostile endpoint
	const stack = await Stack.up(t, { name: 'hostile-introspection', example: 'basic', policy: (s) => asking(s, issuer, `${issuer}/introspect`, { policies: [readOrders({ users: ['*'] })] }) });
	let n = 0;
	const ask = async (how) => {
		behave = how;
		const answer = await stack.get('/orders/1', bearer(`token-${n++}`));
		return [answer.status, (await recorded(stack, answer)).reason];
	};
	for (const [name, how] of Object.entries(HOSTILE)) {
		const [status, reason] = await ask(how);
		assert.equal(status, 503, name);
		assert.match(reason, name === 'a hundred megabytes' ? /introspection_unavailable|authentication_timeout/ : /introspection_unavailable/, name);
	}
	for (const [name, how] of Object.entries(LATE)) assert.deepEqual(await ask(how), [503, 'authentication_timeout'], name);
	for (const [name, [how, why]] of Object.entries(REFUSED)) assert.deepEqual(await ask(how), [401, why], name);
	assert.equal(seen.good, 0, 'no redirect is followed');
	assert.deepEqual(await ask((req, res, me) => res.writeHead(200, JSON_TYPE).end(yes(me))), [200, 'policy_allowed'], 'and an honest one still does');
	const metrics = (await (await stack.signIn()).call('GET', '/metrics', { check: false })).text;
	assert.match(metrics, /^haward_introspections_failed_total [1-9]/m);
	assert.match(metrics, /^haward_requests_timed_out_total [1-9]/m);
	assert.match(metrics, /^haward_requests_parked 0$/m);
	const verified = await stack.verify();
	assert.equal(verified.code, 0, verified.stderr);
});

test('a token that goes to nobody is refused at once, and which issuer takes them is checked', async (t) => {
	const stack = await Stack.up(t, { name: 'opaque-nobody', policy: { issuers: [], services: [{ name: 'orders', paths: ['/orders/{**}'] }], policies: [] } });
	const refused = await stack.get('/orders/1', bearer('opaque'));
	assert.equal(refused.status, 401);
	assert.equal((await recorded(stack, refused)).reason, 'token_malformed');
	const file = path.join(stack.dir, 'two.json');
	const one = (issuer) => ({ issuer, introspection: { endpoint: 'https://idp.example/i', clientId: 'haward', clientSecretFile: file } });
	fs.writeFileSync(file, JSON.stringify({ issuers: [one('https://a'), one('https://b')] }));
	const found = await stack.cli(['check', '--policy', file]);
	assert.notEqual(found.code, 0);
	assert.match(found.stderr + found.stdout, /\/issuers\/1\/introspection.*opaqueTokens/);
});
