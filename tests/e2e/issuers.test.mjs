// Issuers in full, through real HAProxy: found by their own document, hostile ones, tokens from everywhere, and what the service is told.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import * as jose from 'jose';
import { bearer, request } from './support/http.mjs';
import { Idp } from './support/idp.mjs';
import { AUDIENCE, claims, ISSUER, jwksOf, makeKey, mint, now } from './support/issuer.mjs';
import { issuerEntry, policySet, readOrders } from './support/policies.mjs';
import { Stack } from './support/stack.mjs';
import { eventually, sleep } from './support/wait.mjs';
import { examples, tempDir } from './support/where.mjs';

const fast = { fetch: { floor_s: 1 } };
const of = (idp, extra = {}) => ({ ...claims('alice', extra), iss: idp.issuer });
const discovered = (idp, extra = {}) => policySet({ name: 'found', issuer: idp.issuer, audiences: [AUDIENCE], ...extra }, [readOrders({ users: [`${idp.issuer}/*`] })]);
const known = async (stack) => (await stack.api.get('/api/v1/system')).keys[0];

// The quickstart with more told to Haward, and more told to the service.
function widened(t) {
	const dir = tempDir(t, 'widened');
	for (const file of ['haproxy.cfg', 'spoe.cfg', 'haward.json']) fs.copyFileSync(path.join(examples, 'quickstart', file), path.join(dir, file));
	const edit = (file, from, to) => {
		const text = fs.readFileSync(path.join(dir, file), 'utf8');
		assert.ok(text.includes(from), `${file} has no ${from}`);
		fs.writeFileSync(path.join(dir, file), text.replace(from, to));
	};
	edit('spoe.cfg', 'authorization=req.fhdr(authorization,1)', 'cookie=req.fhdr(cookie,1) cookie=req.fhdr(cookie,2) headers=req.hdrs_bin authorization=req.fhdr(authorization,1)');
	edit('haproxy.cfg', '    http-request set-header x-request-id', [
		'    http-request set-header x-haward-mail "%[var(txn.haward.header_x_haward_mail)]" if { var(txn.haward.header_x_haward_mail) -m found }',
		'    http-request set-header x-haward-roles "%[var(txn.haward.header_x_haward_roles)]" if { var(txn.haward.header_x_haward_roles) -m found }',
		'    http-request set-header x-haward-fields "%[var(txn.haward.headers),hex]" if { var(txn.haward.headers) -m found }',
		'    http-request set-header x-request-id'].join('\n'));
	return path.relative(examples, dir);
}

test('an issuer is found by its own document; the API and the metrics say what is known of it', async (t) => {
	const key = await makeKey('RS256', 'first');
	const idp = await Idp.start(t, { keys: [{ kty: 'oct', kid: 'shared', k: 'AAAA' }, ...jwksOf(key).keys] }, { path: '/realms/a' });
	const stack = await Stack.up(t, { name: 'discovery', policy: discovered(idp), settings: fast });
	await eventually('the keys', async () => (await stack.get('/orders/1', bearer(await mint(key, of(idp))))).status === 200);
	await stack.signIn();
	const found = await known(stack);
	assert.deepEqual([found.name, found.issuer, found.source, found.discovered, found.state, found.n_keys, found.error],
		['found', idp.issuer, `http://127.0.0.1:${idp.port}/keys`, true, 'good', 1, null]);
	assert.ok(found.discovered_at && found.fetched_at && found.next_at);
	assert.equal(found.unusable.length, 1);
	assert.equal(found.unusable[0].kid, 'shared');
	assert.match(found.unusable[0].reason, /local files/);
	const metrics = (await stack.api.call('GET', '/metrics', { check: false })).text;
	assert.match(metrics, /^haward_issuer_up\{issuer="found"\} 1$/m);
	assert.match(metrics, /^haward_issuer_keys\{issuer="found"\} 1$/m);
	assert.match(metrics, /^haward_issuer_keys_unusable\{issuer="found"\} 1$/m);

	// The keys move: the old place fails, the document is read again.
	const fresh = await makeKey('RS256', 'fresh');
	idp.jwks = jwksOf(fresh);
	idp.keysPath = '/moved/keys';
	await stack.get('/orders/1', bearer(await mint(fresh, of(idp))));
	await eventually('the keys at their new place', async () => (await stack.get('/orders/1', bearer(await mint(fresh, of(idp))))).status === 200, { ms: 20000, every: 200 });
	assert.equal((await known(stack)).source, `http://127.0.0.1:${idp.port}/moved/keys`);
});

test('where OpenID Connect has no document, RFC 8414 has one', async (t) => {
	const key = await makeKey('RS256', 'only');
	const idp = await Idp.start(t, jwksOf(key), { path: '/realms/a' });
	Object.assign(idp, { document: 'none', oauth: true });
	const stack = await Stack.up(t, { name: 'rfc8414', policy: discovered(idp), settings: fast });
	await eventually('the keys', async () => (await stack.get('/orders/1', bearer(await mint(key, of(idp))))).status === 200);
	await stack.signIn();
	assert.equal((await known(stack)).state, 'good');
});

test("another issuer's document lends no keys", async (t) => {
	const key = await makeKey('RS256', 'evil');
	const idp = await Idp.start(t, jwksOf(key));
	idp.document = { issuer: `${idp.issuer}/`, jwks_uri: `${idp.issuer}/keys` };
	const stack = await Stack.up(t, { name: 'mix-up', policy: discovered(idp), settings: fast });
	await stack.signIn();
	const found = await eventually('the error', async () => { const k = await known(stack); return k.error && k; });
	assert.match(found.error, /not of this issuer/);
	assert.equal(found.state, 'missing');
	const answer = await stack.get('/orders/1', bearer(await mint(key, of(idp))));
	assert.equal(answer.status, 401);
	assert.equal((await stack.event(answer.headers['haward-event'], { outcome: false })).reason, 'keys_unavailable');
	assert.equal(idp.count('/keys'), 0, 'nobody asked for the keys');
});

test('an issuer that is down when Haward starts stops nobody, and is found when it is back', async (t) => {
	const key = await makeKey('RS256', 'late');
	const first = await Idp.start(null, jwksOf(key));
	await first.stop();
	const other = await makeKey('RS256', 'other');
	const policy = discovered(first);
	policy.issuers.push(issuerEntry({ jwks: jwksOf(other) }));
	policy.policies.push(readOrders({ name: 'others' }));
	const stack = await Stack.up(t, { name: 'discovery-late', policy, settings: fast });
	assert.equal((await stack.get('/orders/1', bearer(await mint(other)))).status, 200, 'the others go on');
	assert.equal((await stack.get('/orders/1', bearer(await mint(key, of(first))))).status, 401);
	await Idp.start(t, jwksOf(key), { port: first.port });
	await eventually('the keys', async () => (await stack.get('/orders/1', bearer(await mint(key, of(first))))).status === 200, { ms: 40000, every: 250 });
});

test('a hostile issuer leaves the old keys in force, and a clear error', async (t) => {
	const key = await makeKey('RS256', 'only');
	const idp = await Idp.start(t, jwksOf(key));
	const evil = await Idp.start(t, jwksOf(await makeKey('RS256', 'only')));
	const stack = await Stack.up(t, { name: 'hostile', policy: discovered(idp), settings: { fetch: { floor_s: 1, timeout_ms: 1500 } } });
	const ask = async () => (await stack.get('/orders/1', bearer(await mint(key, of(idp))))).status;
	await eventually('the keys', async () => (await ask()) === 200);
	await stack.signIn();
	const stranger = await makeKey('RS256', 'nobody-has-this');
	const big = Buffer.alloc(1 << 20, 'x');
	const cases = [
		['garbage', (req, res) => res.writeHead(200).end('\x00\xff<html>'), /./],
		['another type', (req, res) => res.writeHead(200, { 'content-type': 'application/json' }).end('"keys"'), /array 'keys'/],
		['an empty set', (req, res) => res.writeHead(200).end('{"keys":[]}'), /no key/],
		['a redirect', (req, res) => res.writeHead(302, { location: `${evil.issuer}/keys` }).end(), /302/],
		['100 MB', (req, res) => { res.writeHead(200, { 'content-length': 100 << 20 }); res.write(big); res.on('error', () => {}); }, /larger|size/i],
		['100 MB without a length', async (req, res) => { res.writeHead(200); res.on('error', () => {}); for (let i = 0; i < 100 && !res.destroyed; i++) { res.write(big); await sleep(1); } res.end(); }, /larger|size/i],
		['never ending', (req, res) => { res.writeHead(200); const drip = setInterval(() => res.write(' '), 100); res.on('close', () => clearInterval(drip)); res.on('error', () => {}); }, /tim/i],
		['silence', () => {}, /tim/i],
		['a cut answer', (req, res) => { res.writeHead(200, { 'content-length': 1000 }); res.write('{'); setTimeout(() => res.destroy(), 50); }, /./],
		['two of a member', (req, res) => res.writeHead(200).end(`{"keys":[],"keys":${JSON.stringify(jwksOf(stranger).keys)}}`), /twice|duplicate/i],
	];
	for (const [name, answer, error] of cases) {
		const before = idp.count('/keys');
		let answered = 0;
		idp.answerKeys = (req, res) => { answered++; return answer(req, res); };
		await stack.get('/orders/1', bearer(await mint(stranger, of(idp))));
		await eventually(`${name}: a fetch`, () => answered > 0, { ms: 15000, every: 100 });
		const found = await eventually(`${name}: its error`, async () => { const k = await known(stack); return k.state === 'stale' && error.test(k.error) && k; }, { ms: 15000, every: 100 });
		assert.equal(found.n_keys, 1, name);
		assert.equal(await ask(), 200, name);
		assert.ok(idp.count('/keys') > before);
		idp.answerKeys = null;
		await stack.get('/orders/1', bearer(await mint(stranger, of(idp))));
		await eventually(`${name}: good again`, async () => (await known(stack)).state === 'good', { ms: 30000, every: 200 });
	}
	assert.equal(evil.asked.length, 0, 'no redirect was followed');
});

test('what a token says of keys is never fetched, and unknown kids cost one fetch an interval', async (t) => {
	const key = await makeKey('RS256', 'only');
	const idp = await Idp.start(t, jwksOf(key));
	const evil = await Idp.start(t, jwksOf(await makeKey('RS256', 'evil')));
	const attacker = await makeKey('RS256', 'evil');
	const stack = await Stack.up(t, { name: 'jku', policy: discovered(idp), settings: { fetch: { floor_s: 5 } } });
	await eventually('the keys', async () => (await stack.get('/orders/1', bearer(await mint(key, of(idp))))).status === 200);
	const before = idp.count('/keys');
	const headers = [
		{ jku: `${evil.issuer}/keys` }, { x5u: `${evil.issuer}/cert` }, { jku: `${evil.issuer}/keys`, kid: 'only' },
		{ jwk: attacker.jwk }, { jwk: attacker.jwk, kid: 'only' }, { x5c: ['AAAA'] }, { kid: '../../etc/passwd' }, { kid: `${evil.issuer}/keys` },
	];
	for (const header of headers) {
		const answer = await stack.get('/orders/1', bearer(await mint(attacker, of(idp), header)));
		assert.equal(answer.status, 401, JSON.stringify(header));
		const { reason } = await stack.event(answer.headers['haward-event'], { outcome: false });
		assert.match(reason, /^(key_unknown|signature_invalid)$/, JSON.stringify(header));
	}
	for (let i = 0; i < 200; i++) await stack.get('/orders/1', bearer(await mint(attacker, of(idp), { kid: `unknown-${i}` })));
	assert.equal(evil.asked.length, 0, `asked: ${evil.asked}`);
	await eventually('the first unknown kid to be worth a look', () => idp.count('/keys') > before, { ms: 15000 });
	const spent = idp.count('/keys') - before;
	assert.ok(spent <= 1 + Math.ceil(process.uptime() / 5), `${spent} fetches`);
	assert.equal((await stack.get('/orders/1', bearer(await mint(key, of(idp))))).status, 200);
});

test('tokens stand where their issuer says, two are refused, and the same twice is one', async (t) => {
	const key = await makeKey('RS256', 'only');
	const issuer = issuerEntry({
		jwks: jwksOf(key), fromHeaders: [{ name: 'authorization', prefix: 'Bearer ' }, { name: 'x-jwt', prefix: 'JWT ' }],
		fromParams: ['access_token'], fromCookies: ['jwt'],
	});
	const policy = policySet(issuer);
	policy.issuers.push({ name: 'plain', issuer: 'https://plain.example', jwks: jwksOf(key) });
	policy.policies.push(readOrders({ name: 'plain', users: ['https://plain.example/*'] }));
	const stack = await Stack.up(t, { name: 'places', example: widened(t), policy });
	const [alice, bob] = [await mint(key), await mint(key, claims('bob'))];
	const plain = await mint(key, { ...claims(), iss: 'https://plain.example' });
	const cases = [
		[200, 'policy_allowed', '', bearer(alice)],
		[200, 'policy_allowed', '', { 'x-jwt': `JWT ${alice}` }],
		[200, 'policy_allowed', `?access_token=${alice}`, {}],
		[200, 'policy_allowed', '', { cookie: `a=b; jwt=${alice}` }],
		[200, 'policy_allowed', `?access_token=${alice}`, { cookie: `jwt=${alice}`, ...bearer(alice) }],
		[401, 'authentication_required', '', { 'x-jwt': alice }],
		[401, 'authentication_required', '', { cookie: `other=${alice}` }],
		[400, 'multiple_credentials', '', { cookie: `jwt=${bob}`, ...bearer(alice) }],
		[400, 'multiple_credentials', `?access_token=${bob}`, { 'x-jwt': `JWT ${alice}` }],
		[400, 'multiple_credentials', `?access_token=${alice}&access_token=${alice}`, {}],
		[400, 'multiple_credentials', '', { cookie: `jwt=${alice}; jwt=${alice}` }],
		[400, 'multiple_credentials', '', { 'x-jwt': [`JWT ${alice}`, `JWT ${alice}`] }],
		[400, 'multiple_credentials', '', { authorization: 'Digest username="bob"', cookie: `jwt=${alice}` }],
		[401, 'token_malformed', '?access_token=%zz', {}],
		[200, 'policy_allowed', '', bearer(plain)],
		[401, 'token_location', '', { cookie: `jwt=${plain}` }],
		[401, 'token_location', `?access_token=${plain}`, {}],
	];
	const seen = async ([status, reason, query, headers], note = '') => {
		const answer = await stack.get(`/orders/1${query}`, headers);
		const event = await stack.event(answer.headers['haward-event'], { outcome: false });
		assert.deepEqual([answer.status, event.reason], [status, reason], `${note}${query} ${JSON.stringify(headers)}`.replaceAll(alice, 'ALICE').replaceAll(bob, 'BOB').replaceAll(plain, 'PLAIN'));
		assert.ok(!JSON.stringify(event).includes(alice.split('.')[2]), 'no token in the book');
	};
	for (const one of cases) await seen(one);

	await stack.signIn();
	await stack.api.publish({ ...policy, credentialPrecedence: ['bearer'] });
	await seen([200, 'policy_allowed', '', { authorization: 'Digest username="bob"', cookie: `jwt=${alice}` }], 'preferred: ');
	await seen([401, 'unsupported_credential', '', { authorization: 'Digest username="bob"' }], 'preferred: ');
	await seen([400, 'multiple_credentials', '', { cookie: `jwt=${bob}`, ...bearer(alice) }], 'preferred: ');
});

test('claims become header fields, and nobody else writes them', async (t) => {
	const key = await makeKey('RS256', 'only');
	const issuer = issuerEntry({
		jwks: jwksOf(key), outputClaimToHeaders: [{ header: 'x-haward-mail', claim: 'email' }, { header: 'x-haward-roles', claim: 'realm.roles' }],
	});
	const stack = await Stack.up(t, { name: 'fields', example: widened(t), policy: policySet(issuer) });
	const ask = async (extra, headers = {}) => (await stack.get('/orders/1', { ...bearer(await mint(key, claims('alice', extra))), ...headers })).json();
	const seen = await ask({ email: 'alice@x.example', realm: { roles: ['a', 'b'] } }, { 'x-haward-mail': 'root@x.example' });
	assert.equal(seen.identity['x-haward-mail'], 'alice@x.example');
	assert.equal(seen.identity['x-haward-roles'], 'a,b');
	assert.equal(seen.authorization, false);
	const fields = Buffer.from(seen.identity['x-haward-fields'], 'hex').toString('latin1');
	assert.equal(fields, '\x0dx-haward-mail\x0falice@x.example\x0ex-haward-roles\x03a,b\0\0');
	for (const email of [undefined, 'a\r\nx-haward-user: root', '', { a: 1 }, null]) {
		const { identity } = await ask({ email }, { 'x-haward-mail': 'root@x.example' });
		assert.equal(identity['x-haward-mail'], undefined, JSON.stringify(email));
		assert.equal(identity['x-haward-user'], 'alice');
	}

	await stack.signIn();
	await stack.api.publish(policySet({ ...issuer, forwardOriginalToken: true }));
	await eventually('the token to be passed on', async () => (await ask({})).authorization === true);
});

test('a JWT-SVID names the workload that calls', async (t) => {
	const key = await makeKey('ES256', 'svid');
	const stranger = await makeKey('ES256', 'sig');
	const bundle = { keys: [{ ...key.jwk, use: 'jwt-svid', alg: undefined }, { ...stranger.jwk, alg: undefined }] };
	const stack = await Stack.up(t, {
		name: 'jwt-svid', policy: policySet({ issuer: 'spiffe://td.example', jwtSvid: true, audiences: [AUDIENCE], jwks: JSON.parse(JSON.stringify(bundle)) },
			[{ name: 'checkout', action: 'ALLOW', services: ['orders'], rules: [{ from: [{ source: { principals: ['spiffe://td.example/ns/shop/sa/checkout'] } }] }] }]),
	});
	const svid = (sub, by = key, extra = {}) => new jose.SignJWT({ sub, aud: [AUDIENCE], exp: Math.floor(Date.now() / 1000) + 300, ...extra })
		.setProtectedHeader({ alg: 'ES256', kid: by.kid, typ: 'JWT' }).sign(by.privateKey);
	const ask = async (token) => {
		const answer = await stack.get('/orders/1', bearer(token));
		return [answer.status, await stack.event(answer.headers['haward-event'], { outcome: false })];
	};
	const [status, event] = await ask(await svid('spiffe://td.example/ns/shop/sa/checkout'));
	assert.equal(status, 200);
	assert.deepEqual([event.workload, event.auth_method, event.user ?? null], ['spiffe://td.example/ns/shop/sa/checkout', 'jwt', null]);
	for (const [token, want, reason] of [
		[await svid('spiffe://td.example/ns/shop/sa/other'), 403, 'no_policy_matched'],
		[await svid('spiffe://other.example/ns/shop/sa/checkout'), 401, 'issuer_unknown'],
		[await svid('spiffe://td.example/ns/shop/sa/checkout', stranger), 401, 'key_unknown'],
		[await svid('spiffe://td.example/ns/shop/sa/checkout', key, { aud: 'else' }), 401, 'audience_mismatch'],
		[await svid('spiffe://td.example/ns/shop/sa/checkout', key, { exp: undefined }), 401, 'token_claims'],
	]) {
		const [got, { reason: why }] = await ask(token);
		assert.deepEqual([got, why], [want, reason]);
	}
});

test('required scopes and RFC 9068: refused with their own reasons', async (t) => {
	const key = await makeKey('RS256', 'only');
	const stack = await Stack.up(t, { name: 'profiles', policy: policySet(issuerEntry({ jwks: jwksOf(key), requiredScopes: ['orders:read'], accessTokenProfile: 'rfc9068', maxLifetime: 7200 })) });
	const full = claims('alice', { client_id: 'app', jti: 'j1' });
	for (const [payload, header, status, reason] of [
		[full, {}, 200, 'policy_allowed'],
		[{ ...full, scope: 'orders:write' }, {}, 403, 'insufficient_scope'],
		[{ ...full, scope: undefined }, {}, 403, 'insufficient_scope'],
		[full, { typ: 'JWT' }, 401, 'token_type'],
		[{ ...full, client_id: undefined }, {}, 401, 'token_claims'],
		[{ ...full, jti: undefined }, {}, 401, 'token_claims'],
		[{ ...full, exp: now() + 8000 }, {}, 401, 'token_lifetime'],
		[full, { kid: 7 }, 401, 'token_header'],
	]) {
		const answer = await stack.get('/orders/1', bearer(await mint(key, payload, header)));
		const event = await stack.event(answer.headers['haward-event'], { outcome: false });
		assert.deepEqual([answer.status, event.reason], [status, reason], JSON.stringify({ payload, header }));
	}
});

test('two issuers may have a key of one kid', async (t) => {
	const [one, two] = [await makeKey('RS256', 'same'), await makeKey('RS256', 'same')];
	const policy = policySet(issuerEntry({ jwks: jwksOf(one) }));
	policy.issuers.push({ issuer: 'https://two.example', jwks: jwksOf(two) });
	policy.policies.push(readOrders({ name: 'two', users: ['https://two.example/*'] }));
	const stack = await Stack.up(t, { name: 'same-kid', policy });
	const ask = async (key, iss) => (await stack.get('/orders/1', bearer(await mint(key, { ...claims(), iss })))).status;
	assert.deepEqual([await ask(one, ISSUER), await ask(two, 'https://two.example'), await ask(two, ISSUER), await ask(one, 'https://two.example')], [200, 200, 401, 401]);
	assert.equal((await request(`${stack.url}/orders/1`)).status, 401);
});
