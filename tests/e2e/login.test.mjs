// Signing in and out with a browser: HAProxy as in haproxy-examples/oidc-login, a real OpenID provider.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as jose from 'jose';
import { bearer, request } from './support/http.mjs';
import { makeKey, now } from './support/issuer.mjs';
import { Jar, loginPolicy, page, script } from './support/login.mjs';
import { startProvider } from './support/provider.mjs';
import { Stack } from './support/stack.mjs';
import { eventually, sleep } from './support/wait.mjs';

let stack, provider;

before(async () => {
	stack = await Stack.up(null, {
		name: 'login', example: 'oidc-login', settings: { spop: { workers: 2 } },
		policy: async (s) => {
			provider = await startProvider({ app: s.url });
			return loginPolicy(s, provider);
		},
	});
});

after(async () => {
	await stack?.down();
	await provider?.stop();
});

const receipt = (response) => response.headers['haward-event'];

test('a page is sent to the provider, a script is told 401, and what is open stays open', async () => {
	const jar = new Jar();
	const sent = await jar.get(`${stack.url}/orders/17?view=all`);
	assert.equal(sent.status, 302);
	assert.match(sent.headers.location, new RegExp(`^${provider.issuer}/auth\\?response_type=code&client_id=orders-web&.*code_challenge_method=S256$`));
	assert.match(sent.headers['set-cookie'][0], /^haward-login-[\w-]{8}=[\w-]+; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax$/);
	assert.equal(sent.headers['cache-control'], 'no-store');
	for (const headers of [script, { accept: '*/*' }, { ...page, 'sec-fetch-mode': 'cors' }, { ...page, 'x-requested-with': 'XMLHttpRequest' }]) {
		const told = await request(`${stack.url}/orders/17`, { headers });
		assert.equal(told.status, 401, JSON.stringify(headers));
		assert.equal(told.headers.location, undefined);
		assert.equal(told.headers['set-cookie'], undefined);
	}
	assert.equal((await request(`${stack.url}/orders/17`, { method: 'POST', headers: page })).status, 401);
	const open = await request(`${stack.url}/`, { headers: page });
	assert.equal(open.status, 200);
	assert.equal((await stack.event(receipt(open))).reason, 'default_allowed');
	const event = await stack.event(receipt(sent));
	assert.equal(event.reason, 'login_required');
	assert.equal(event.verdict, 'redirect');
	assert.equal(event.status, 302);
	assert.doesNotMatch(JSON.stringify(event), /haward-login-|code_challenge/);
});

test('a person signs in, is known to the service, and signs out', async () => {
	const jar = new Jar();
	const back = await jar.signIn(`${stack.url}/orders/17?view=all`, 'alice');
	assert.equal(back.status, 302);
	assert.equal(back.headers.location, '/orders/17?view=all');
	assert.match(back.headers['set-cookie'][0], /^haward=[\w-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Lax$/);
	assert.match(back.headers['set-cookie'][1], /^haward-login-[\w-]{8}=; Path=\/; Max-Age=0;/);
	const seen = await jar.get(`${stack.url}/orders/17?view=all`);
	assert.equal(seen.status, 200);
	assert.equal(seen.json().identity['x-haward-user'], 'alice');
	assert.equal(seen.json().identity['x-haward-client'], 'orders-web');
	const done = await stack.event(receipt(back));
	assert.deepEqual([done.reason, done.user, done.auth_method], ['login_done', 'alice', 'session']);
	const used = await stack.event(receipt(seen));
	assert.deepEqual([used.reason, used.user, used.auth_method], ['policy_allowed', 'alice', 'session']);
	assert.equal((await jar.get(`${stack.url}/orders/17`, script)).status, 200);

	// another site cannot sign her out, she can
	for (const headers of [{ ...page, 'sec-fetch-site': 'cross-site' }, { ...page, origin: 'https://evil.example' }, page]) {
		assert.equal((await jar.get(`${stack.url}/.haward/logout`, headers)).status, 400);
	}
	assert.equal((await jar.get(`${stack.url}/orders/17`)).status, 200);
	const id = jar.cookies.get('haward');
	const out = await jar.get(`${stack.url}/.haward/logout`, { ...page, 'sec-fetch-site': 'same-origin' });
	assert.equal(out.status, 302);
	assert.match(out.headers.location, new RegExp(`^${provider.issuer}/session/end\\?client_id=orders-web&post_logout_redirect_uri=`));
	assert.match(out.headers.location, /id_token_hint=eyJ/);
	assert.equal(jar.cookies.has('haward'), false);
	const again = await request(`${stack.url}/orders/17`, { headers: { ...page, cookie: `haward=${id}` } });
	assert.equal(again.status, 302);
	assert.equal((await stack.event(receipt(again))).reason, 'session_expired');
	assert.equal((await request(`${stack.url}/`, { headers: { ...page, cookie: `haward=${id}` } })).status, 200, 'what is open is open to a stale cookie');
});

test('two Cookie headers: HAProxy tells one and the service may read the other, so neither is believed', async () => {
	const alice = new Jar(), bob = new Jar();
	await alice.signIn(`${stack.url}/orders/17`, 'alice');
	await bob.signIn(`${stack.url}/orders/17`, 'bob');
	const [hers, his] = [alice, bob].map((jar) => `haward=${jar.cookies.get('haward')}`);
	const raw = (...cookies) => ['host', new URL(stack.url).host, ...Object.entries(page).flat(), ...cookies.flatMap((cookie) => ['cookie', cookie])];
	const ask = (cookies, pathname = '/orders/17') => request(`${stack.url}${pathname}`, { headers: raw(...cookies) });
	assert.equal((await ask([hers])).status, 200);
	for (const cookies of [[hers, his], [his, hers], [hers, 'theme=dark'], ['theme=dark', hers], [`${hers}; ${his}`]]) {
		const refused = await ask(cookies);
		assert.equal(refused.status, 400, JSON.stringify(cookies));
		assert.equal((await stack.event(receipt(refused))).reason, 'multiple_credentials');
		assert.equal(refused.headers.location, undefined);
	}
	assert.equal((await ask([hers, his], '/')).status, 400, 'as any bad credential, also where nobody has to be known');
	const out = await request(`${stack.url}/.haward/logout`, { headers: [...raw(hers, his), 'sec-fetch-site', 'same-origin'] });
	assert.equal(out.status, 400);
	assert.equal((await ask([hers])).status, 200, 'and nobody was signed out');
});

test('the way back is for the browser that was sent, once', async () => {
	const alice = new Jar(), mallory = new Jar();
	const back = await alice.signInAtProvider(`${stack.url}/orders/1`, 'alice');
	// Mallory's browser with Alice's address, and the other way round: a code of Mallory's for Alice's browser
	assert.equal((await mallory.get(back)).status, 400);
	const other = await mallory.signInAtProvider(`${stack.url}/orders/2`, 'mallory');
	assert.equal((await alice.get(other)).status, 400);
	const forged = new URL(back);
	forged.searchParams.set('code', new URL(other).searchParams.get('code'));
	const state = new Map(alice.cookies);
	assert.equal((await alice.get(forged.href)).status, 403, 'a code of another sign-in: PKCE and nonce');
	alice.cookies = new Map(state);
	const spoilt = await alice.get(back);
	assert.equal(spoilt.status, 400, 'and with that this state has been used');
	assert.equal((await stack.event(receipt(spoilt))).reason, 'login_state_invalid');
	const again = await alice.signInAtProvider(`${stack.url}/orders/1`, 'alice');
	const fresh = new Map(alice.cookies);
	const done = await alice.get(again);
	assert.equal(done.status, 302);
	// the very same while its session is there: by any worker, without asking the provider
	const n = provider.state.tokenRequests.length;
	for (let i = 0; i < 6; i++) {
		alice.cookies = new Map(fresh);
		assert.equal((await alice.get(again)).status, 302);
	}
	assert.equal(provider.state.tokenRequests.length, n);
	// and once the session has ended, cookie and all: it does not come back
	const out = await alice.get(`${stack.url}/.haward/logout`, { ...page, 'sec-fetch-site': 'none' });
	assert.equal(out.status, 302);
	alice.cookies = new Map(fresh);
	await eventually('the answer to be forgotten', async () => {
		alice.cookies = new Map(fresh);
		return (await alice.get(again)).status === 400;
	}, { ms: 90000 });
	for (const bad of ['', '?state=x&code=y', '?code=y', `${new URL(back).search}&state=x`, `${new URL(back).search}&iss=https%3A%2F%2Fevil.example`]) {
		assert.equal((await alice.get(`${stack.url}/.haward/callback${bad}`)).status, 400, bad);
	}
});

test('a provider that says no, is slow, or talks nonsense', async () => {
	const jar = new Jar();
	const sent = await jar.get(`${stack.url}/orders/1`);
	const state = new URL(sent.headers.location).searchParams.get('state');
	const refused = await jar.get(`${stack.url}/.haward/callback?error=access_denied&state=${state}`);
	assert.equal(refused.status, 403);
	assert.equal((await stack.event(receipt(refused))).reason, 'login_refused');

	const back = await new Jar().signInAtProvider(`${stack.url}/orders/1`, 'x'); // warm
	assert.ok(back);
	const cases = [
		[(req, res) => res.writeHead(500).end('{}'), 503],
		[(req, res) => res.writeHead(200, { 'content-type': 'application/json' }).end('<html>'), 503],
		[(req, res) => res.writeHead(302, { location: '/token2' }).end(), 503],
		[(req, res) => res.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_grant"}'), 403],
		[(req, res) => res.writeHead(200, { 'content-type': 'application/json' }).end('{"access_token":"a","token_type":"Bearer","id_token":"a.b.c"}'), 403],
		[(req) => req.socket.destroy(), 503],
	];
	for (const [fail, status] of cases) {
		const one = new Jar();
		const address = await one.signInAtProvider(`${stack.url}/orders/1`, 'carol');
		provider.state.fail = fail;
		const answer = await one.get(address);
		provider.state.fail = null;
		assert.equal(answer.status, status, String(fail));
		assert.equal((await stack.event(receipt(answer))).reason, status === 503 ? 'login_provider_unavailable' : 'login_code_refused');
		assert.equal(one.cookies.has('haward'), false);
	}
	const slow = new Jar();
	const address = await slow.signInAtProvider(`${stack.url}/orders/1`, 'dora');
	provider.state.delay = 1500;
	assert.equal((await slow.get(address)).status, 302, 'slower than a verdict, faster than a sign-in may be');
	provider.state.delay = 0;
});

test('the provider ends a session, and it is over everywhere within a second', async () => {
	const jar = new Jar(), other = new Jar(), bob = new Jar();
	assert.equal((await jar.signIn(`${stack.url}/orders/1`, 'erin')).status, 302);
	assert.equal((await other.signIn(`${stack.url}/orders/1`, 'erin')).status, 302);
	assert.equal((await bob.signIn(`${stack.url}/orders/1`, 'bob')).status, 302);
	for (let i = 0; i < 10; i++) assert.equal((await jar.get(`${stack.url}/orders/1`)).status, 200);
	const end = await jar.get(`${provider.issuer}/session/end`);
	const action = /action="([^"]+)"/.exec(end.text)[1];
	const xsrf = /name="xsrf" value="([^"]+)"/.exec(end.text)[1];
	jar.keep(await request(action, { method: 'POST', body: new URLSearchParams({ xsrf, logout: 'yes' }).toString(), headers: { ...jar.header(), 'content-type': 'application/x-www-form-urlencoded' } }));
	const told = Date.now();
	await eventually('the provider to have told', () => provider.state.backchannel.includes('erin'), { ms: 3000, every: 10 });
	for (let i = 0; i < 20; i++) assert.equal((await jar.get(`${stack.url}/orders/1`, script)).status, 401);
	assert.ok(Date.now() - told < 1000, `it took ${Date.now() - told} ms`);
	assert.equal((await other.get(`${stack.url}/orders/1`, script)).status, 200, 'another session of hers goes on');
	assert.equal((await bob.get(`${stack.url}/orders/1`, script)).status, 200);
	const [event] = await eventually('the order in the book', async () => {
		const found = await stack.book('path:/.haward/backchannel-logout');
		return found.length ? found : null;
	});
	assert.deepEqual([event.reason, event.status, event.user], ['logout_done', 200, 'erin']);
});

const front = (iss, sid) => request(`${stack.url}/.haward/frontchannel-logout?${new URLSearchParams({ ...(iss !== undefined && { iss }), ...(sid !== undefined && { sid }) })}`, { headers: page });

test('the front channel ends the sessions of an issuer and a sid, without any cookie, and no others', async () => {
	const ivy = new Jar(), other = new Jar();
	let sid;
	provider.state.sid = (value) => { sid = value; };
	assert.equal((await ivy.signIn(`${stack.url}/orders/1`, 'ivy')).status, 302);
	const named = sid;
	assert.equal((await other.signIn(`${stack.url}/orders/1`, 'ivy')).status, 302);
	provider.state.sid = null;
	assert.match(named, /^[\w-]{10,}$/);
	const both = async () => [(await ivy.get(`${stack.url}/orders/1`, script)).status, (await other.get(`${stack.url}/orders/1`, script)).status];
	assert.deepEqual(await both(), [200, 200]);
	const cases = [
		[await front(undefined, named), 'iss'], [await front(`${provider.issuer}/`, named), 'iss'], [await front('https://evil.example', named), 'iss'],
		[await front(provider.issuer), 'sid'], [await front(provider.issuer, ''), 'sid'], [await front(provider.issuer, 'x'.repeat(513)), 'sid'],
		[await request(`${stack.url}/.haward/frontchannel-logout?iss=${encodeURIComponent(provider.issuer)}&sid=${named}&sid=${named}`), 'sid'],
		[await request(`${stack.url}/.haward/frontchannel-logout?iss=${encodeURIComponent(provider.issuer)}&sid=${named}`, { method: 'POST', body: '' }), 'method'],
	];
	for (const [answer, condition] of cases) {
		assert.equal(answer.status, 400);
		assert.equal(answer.headers['content-security-policy'], undefined);
		const event = await stack.event(receipt(answer));
		assert.deepEqual([event.reason, event.why[0].condition], ['logout_refused', condition]);
	}
	assert.deepEqual(await both(), [200, 200]);
	const unknown = await front(provider.issuer, 'nobody-has-this-one');
	const done = await front(provider.issuer, named);
	for (const answer of [unknown, done]) {
		assert.equal(answer.status, 200, 'whether there was one is not told');
		assert.equal(answer.headers['cache-control'], 'no-store');
		assert.equal(answer.headers['content-security-policy'], `default-src 'none'; frame-ancestors ${provider.issuer}`);
		assert.equal(answer.headers['set-cookie'], undefined);
		assert.equal(answer.text, '');
	}
	for (let i = 0; i < 10; i++) assert.deepEqual(await both(), [401, 200]);
	const event = await stack.event(receipt(done));
	assert.deepEqual([event.reason, event.status, event.user], ['logout_done', 200, 'ivy']);
	assert.equal((await stack.event(receipt(unknown))).user ?? null, null);
});

test('a flood of strange ways back is no flood at the provider', async () => {
	const asked = () => provider.state.tokenRequests.length;
	const way = async () => {
		const jar = new Jar();
		const sent = await jar.get(`${stack.url}/orders/1`);
		return { jar, cookies: new Map(jar.cookies), state: new URL(sent.headers.location).searchParams.get('state') };
	};
	const back = (one, code) => request(`${stack.url}/.haward/callback?${new URLSearchParams({ code, state: one.state })}`, { headers: { ...page, ...one.jar.header() } });
	// without a state of this browser, nobody is asked
	let before = asked();
	const strange = await Promise.all(Array.from({ length: 50 }, (_, i) => request(`${stack.url}/.haward/callback?code=c${i}&state=${'x'.repeat(22)}`, { headers: page })));
	assert.ok(strange.every((one) => one.status === 400));
	assert.equal(asked(), before);
	// with one, once
	const one = await way();
	assert.equal((await back(one, 'first')).status, 403);
	for (let i = 0; i < 20; i++) assert.equal((await back(one, `more${i}`)).status, 400);
	assert.equal(asked(), before + 1);
	// with many, so many at a time; the others are told, and may try again
	const ways = await Promise.all(Array.from({ length: 80 }, way));
	before = asked();
	provider.state.delay = 1500;
	const answers = await Promise.all(ways.map((each) => back(each, 'bogus')));
	provider.state.delay = 0;
	assert.equal(asked(), before + 64);
	assert.equal(answers.filter((each) => each.status === 403).length, 64);
	const busy = answers.findIndex((each) => each.status === 503);
	assert.equal(answers.filter((each) => each.status === 503).length, 16);
	assert.equal((await stack.event(receipt(answers[busy]))).reason, 'login_overloaded');
	await eventually('the next try', async () => (await back(ways[busy], 'bogus')).status === 403, { ms: 10000 });
});

test('the back channel takes nothing but a logout token', async () => {
	const post = (body) => request(`${stack.url}/.haward/backchannel-logout`, { method: 'POST', body, headers: { 'content-type': 'application/x-www-form-urlencoded' } });
	assert.equal((await post('logout_token=a.b.c')).status, 400);
	assert.equal((await post('')).status, 400);
	assert.equal((await post(`logout_token=${'a'.repeat(20000)}`)).status, 400);
	assert.equal((await request(`${stack.url}/.haward/backchannel-logout`)).status, 400);
});

test('an order to end sessions is of the provider, for us, and counts once', async () => {
	const post = (token) => request(`${stack.url}/.haward/backchannel-logout`, { method: 'POST', body: new URLSearchParams({ logout_token: token }).toString(), headers: { 'content-type': 'application/x-www-form-urlencoded' } });
	const order = (extra = {}, { key = provider.key, typ = 'logout+jwt' } = {}) => new jose.SignJWT({
		iss: provider.issuer, aud: 'orders-web', sub: 'gina', iat: now(), exp: now() + 120, jti: `j${Math.random()}`,
		events: { 'http://schemas.openid.net/event/backchannel-logout': {} }, ...extra,
	}).setProtectedHeader({ alg: 'RS256', kid: key.kid, typ }).sign(key.privateKey);
	const jar = new Jar();
	const isIn = async () => (await jar.get(`${stack.url}/orders/1`, script)).status === 200;
	assert.equal((await jar.signIn(`${stack.url}/orders/1`, 'gina')).status, 302);
	const stranger = await makeKey('RS256', 'provider');
	for (const bad of [
		await order({}, { key: stranger }), await order({ aud: 'another' }), await order({ iss: 'https://evil.example' }), await order({ events: undefined }),
		await order({ nonce: 'n' }), await order({ jti: undefined }), await order({ sub: undefined }), await order({}, { typ: 'at+jwt' }), await order({ iat: now() - 600 }),
	]) {
		assert.equal((await post(bad)).status, 400);
		assert.ok(await isIn());
	}
	const good = await order();
	assert.equal((await post(good)).status, 200);
	assert.equal(await isIn(), false);
	jar.cookies.delete('haward');
	assert.equal((await jar.signIn(`${stack.url}/orders/1`, 'gina')).status, 302);
	await sleep(2500); // the answer to the first is kept no longer
	assert.equal((await post(good)).status, 400);
	assert.ok(await isIn());
});

test('a session and a token together are two credentials', async () => {
	const jar = new Jar();
	assert.equal((await jar.signIn(`${stack.url}/orders/1`, 'hank')).status, 302);
	const both = await jar.get(`${stack.url}/orders/1`, { ...script, ...bearer('a.b.c') });
	assert.equal(both.status, 400);
	assert.equal((await stack.event(receipt(both))).reason, 'multiple_credentials');
});

test('sessions outlive a restart, and their file of keys decides', async () => {
	const jar = new Jar();
	assert.equal((await jar.signIn(`${stack.url}/orders/1`, 'frank')).status, 302);
	await stack.haward.stop();
	await stack.startHaward();
	await eventually('the agent behind HAProxy', async () => (await jar.get(`${stack.url}/orders/1`, script)).status === 200, { ms: 10000 });
});
