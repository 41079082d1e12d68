// The first whole walk: real HAProxy, real tokens, real service; what is answered, what the service
// sees, what the book says, and how each ended.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { bearer, request } from './support/http.mjs';
import { claims, confused, ISSUER, jwksOf, makeKey, mint, now, unsecured } from './support/issuer.mjs';
import { issuerEntry, policySet, readOrders } from './support/policies.mjs';
import { Stack } from './support/stack.mjs';

let stack, key, stranger;

before(async () => {
	key = await makeKey('RS256', 'first');
	stranger = await makeKey('RS256', 'first');
	stack = await Stack.up(null, {
		name: 'verdicts',
		policy: policySet(issuerEntry({ jwks: jwksOf(key) }), [
			readOrders(),
			{ name: 'nobody-reads-13', action: 'DENY', services: ['orders'], rules: [{ to: [{ operation: { paths: ['/orders/13'] } }] }] },
			{
				name: 'own-orders', action: 'ALLOW', services: ['orders'],
				rules: [{
					from: [{ source: { requestPrincipals: [`${ISSUER}/*`] } }],
					to: [{ operation: { methods: ['GET'], paths: ['/orders/of/{id}'] } }],
					when: [{ key: 'path[id]', valuesFrom: 'request.auth.claims[sub]' }],
				}],
			},
		]),
	});
});
after(() => stack?.down());

const receipt = (answer) => {
	assert.match(answer.headers['haward-event'] ?? '', /^[0-9A-HJKMNP-TV-Z]{26}$/, 'a receipt');
	return answer.headers['haward-event'];
};

test('allowed: the request passes, the service knows the user, the book knows all', async () => {
	const answer = await stack.get('/orders/17?view=full', { ...bearer(await mint(key)), 'x-haward-user': 'root', 'user-agent': 'walker/1' });
	assert.equal(answer.status, 200);
	const seen = answer.json();
	assert.equal(seen.identity['x-haward-user'], 'alice');
	assert.equal(seen.identity['x-haward-issuer'], ISSUER);
	assert.equal(seen.url, '/orders/17?view=full');
	assert.equal(seen.authorization, false);

	const event = await stack.event(receipt(answer));
	assert.equal(event.kind, 'request');
	assert.equal(event.user, 'alice');
	assert.equal(event.issuer, ISSUER);
	assert.equal(event.auth_method, 'jwt');
	assert.deepEqual([event.service, event.method, event.path, event.route], ['orders', 'GET', '/orders/17', '/orders/{id}']);
	assert.deepEqual([event.verdict, event.status, event.reason, event.policy], ['allow', 200, 'policy_allowed', 'read-orders']);
	assert.equal(event.src, '127.0.0.1');
	assert.equal(event.user_agent, 'walker/1');
	assert.equal(String(event.policy_version), '1');
	assert.equal(event.outcome.status, 200);
	assert.ok(event.outcome.bytes_out > 100 && event.outcome.bytes_in > 100, JSON.stringify(event.outcome));
	assert.ok(event.outcome.duration_ms >= 0 && event.outcome.response_ms >= 0);
	assert.deepEqual([event.outcome.backend, event.outcome.server, event.outcome.termination.slice(0, 2)], ['service', 'service', '--']);
	const whole = JSON.stringify(event);
	assert.ok(!/Bearer|eyJ/.test(whole), 'no token in the book');
});

test('denied: no policy matched, with the nearest reason', async () => {
	const answer = await stack.get('/orders/17', bearer(await mint(key)), { method: 'DELETE' });
	assert.equal(answer.status, 403);
	const event = await stack.event(receipt(answer));
	assert.deepEqual([event.verdict, event.status, event.reason, event.user], ['deny', 403, 'no_policy_matched', 'alice']);
	assert.ok(event.why.length > 0 && event.why.some((w) => /method/.test(w.condition ?? '') || /DELETE/.test(w.value ?? '')), JSON.stringify(event.why));
	assert.equal(event.outcome.status, 403);
	assert.match(event.outcome.termination, /^(LR|PR)/);
});

test('a DENY policy beats an ALLOW policy', async () => {
	const answer = await stack.get('/orders/13', bearer(await mint(key)));
	assert.equal(answer.status, 403);
	const event = await stack.event(receipt(answer), { outcome: false });
	assert.deepEqual([event.reason, event.policy], ['policy_denied', 'nobody-reads-13']);
});

test('a captured path segment is compared with a claim', async () => {
	assert.equal((await stack.get('/orders/of/alice', bearer(await mint(key)))).status, 200);
	assert.equal((await stack.get('/orders/of/bob', bearer(await mint(key)))).status, 403);
	assert.equal((await stack.get('/orders/of/bob', bearer(await mint(key, claims('bob'))))).status, 200);
});

test('no token: 401 with a challenge that names no error', async () => {
	const answer = await stack.get('/orders/17');
	assert.equal(answer.status, 401);
	assert.match(answer.headers['www-authenticate'], /^Bearer/);
	assert.doesNotMatch(answer.headers['www-authenticate'], /error=/);
	const event = await stack.event(receipt(answer), { outcome: false });
	assert.deepEqual([event.verdict, event.status, event.user ?? null], ['authenticate', 401, null]);
});

test('bad tokens: each refused with its own reason, none named in the book as a user', async () => {
	const hour = 3600;
	const b64 = (o) => Buffer.from(JSON.stringify(o)).toString('base64url');
	const good = await mint(key);
	const [head, body, signature] = good.split('.');
	const cases = [
		['expired', await mint(key, claims('alice', { iat: now() - 2 * hour, exp: now() - hour })), /^token_expired$/],
		['not yet valid', await mint(key, claims('alice', { nbf: now() + hour })), /^token_not_yet_valid$/],
		['another audience', await mint(key, claims('alice', { aud: 'other' })), /^audience_mismatch$/],
		['another issuer', await mint(key, claims('alice', { iss: 'https://evil.example' })), /^issuer_unknown$/],
		['no expiry', await mint(key, { iss: ISSUER, aud: 'orders-api', sub: 'alice' }), /^token_/],
		['signed by a stranger', await mint(stranger), /^signature_invalid$/],
		['kid nobody has', await mint(key, claims(), { kid: 'other' }), /^key_unknown$/],
		['alg none', unsecured(), /^(algorithm_not_allowed|token_\w+|key_unknown|signature_invalid)$/],
		['RS256 key as HS256 secret', await confused(key), /^algorithm_not_allowed$/],
		['claims exchanged', `${head}.${b64(claims('root'))}.${signature}`, /^signature_invalid$/],
		['signature cut', `${head}.${body}.${signature.slice(0, -4)}`, /^(signature_invalid|token_malformed)$/],
		['signature absent', `${head}.${body}.`, /^(signature_invalid|token_malformed)$/],
		['padded base64', `${head}.${body}.${signature}==`, /^token_malformed$/],
		['four parts', `${good}.x`, /^token_malformed$/],
		['not a token', 'swordfish', /^token_malformed$/],
		['unknown crit', await mintWithCrit(), /^token_critical_header$/],
		['another kind of token', await mint(key, claims(), { typ: 'logout+jwt' }), /^token_type$/],
	];
	async function mintWithCrit() {
		const { createSign } = await import('node:crypto');
		const { exportPKCS8 } = await import('jose');
		const text = `${b64({ alg: 'RS256', kid: key.kid, typ: 'at+jwt', crit: ['x'], x: 1 })}.${b64(claims())}`;
		return `${text}.${createSign('sha256').update(text).sign(await exportPKCS8(key.privateKey)).toString('base64url')}`;
	}
	const receipts = [];
	for (const [name, token] of cases) {
		const answer = await stack.get('/orders/17', bearer(token));
		assert.equal(answer.status, 401, `${name}: ${answer.status}`);
		assert.match(answer.headers['www-authenticate'], /^Bearer.*error="invalid_token"/, name);
		receipts.push(receipt(answer));
	}
	await stack.event(receipts.at(-1));
	const book = new Map((await stack.book()).map((e) => [e.id, e]));
	cases.forEach(([name, , reason], i) => {
		const event = book.get(receipts[i]);
		assert.ok(event, name);
		assert.match(event.reason, reason, name);
		assert.notEqual(event.verdict, 'allow', name);
		assert.equal(event.user ?? null, null, `${name}: nobody proved to be ${event.user}`);
	});
});

test('two credentials are refused, whichever is good', async () => {
	const good = await mint(key);
	for (const both of [[`Bearer ${good}`, `Bearer ${good}`], [`Bearer ${good}`, 'Basic eDp5'], ['Basic eDp5', `Bearer ${good}`], [`Bearer ${good}`, 'Bearer x', 'Bearer y']]) {
		const answer = await stack.get('/orders/17', { authorization: both });
		assert.ok([400, 401].includes(answer.status), `${answer.status}`);
		const event = await stack.event(receipt(answer), { outcome: false });
		assert.equal(event.reason, 'multiple_credentials');
	}
	assert.equal((await stack.get('/orders/17', { authorization: `Basic x, Bearer ${good}` })).status, 401);
});

test('another scheme than Bearer is refused', async () => {
	const answer = await stack.get('/orders/17', { authorization: 'Basic YWxpY2U6eA==' });
	assert.equal(answer.status, 401);
	assert.equal((await stack.event(receipt(answer), { outcome: false })).reason, 'unsupported_credential');
});

test('paths that can be read in two ways are refused', async () => {
	const token = await mint(key);
	for (const path of ['/orders/../admin', '/orders/%2e%2e/admin', '/orders/a%2fb', '/orders/%2E%2E%2F13', '/orders//13', '/orders/./13', '/orders/1%33', '/orders/a%00b', '/orders/a\\b']) {
		const answer = await rawPath(path, token);
		assert.ok(answer !== 200 || !/13|admin/.test(path), `${path} passed`);
		assert.ok([400, 403].includes(answer), `${path}: ${answer}`);
	}
	function rawPath(path, bearerToken) {
		return new Promise((resolve, reject) => {
			import('node:net').then(({ default: net }) => {
				const [host, port] = stack.edge.split(':');
				const socket = net.connect(Number(port), host, () => socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${bearerToken}\r\nConnection: close\r\n\r\n`));
				let text = '';
				socket.on('data', (part) => { text += part; });
				socket.on('error', reject);
				socket.on('close', () => resolve(Number(/^HTTP\/1.1 (\d+)/.exec(text)?.[1])));
			});
		});
	}
});

test('a path of no service is refused', async () => {
	const answer = await stack.get('/nothing/here', bearer(await mint(key)));
	assert.equal(answer.status, 403);
	assert.equal((await stack.event(receipt(answer), { outcome: false })).reason, 'no_service');
});

test('an upstream that is gone is told apart: allowed by Haward, 503 by HAProxy', async () => {
	await stack.demo.stop();
	const answer = await stack.get('/orders/17', bearer(await mint(key)));
	assert.equal(answer.status, 503);
	const event = await stack.event(receipt(answer));
	assert.deepEqual([event.verdict, event.status, event.outcome.status], ['allow', 200, 503]);
	assert.match(event.outcome.termination, /^SC/);
	await stack.startService();
	assert.equal((await stack.get('/orders/17', bearer(await mint(key)))).status, 200);
});

test('every receipt is another, in the order of time, and the chain holds', async () => {
	const token = await mint(key);
	const ids = [];
	for (let i = 0; i < 20; i++) ids.push(receipt(await stack.get('/orders/1', bearer(token))));
	assert.equal(new Set(ids).size, ids.length);
	await stack.event(ids.at(-1));
	const verified = await stack.verify();
	assert.equal(verified.code, 0, verified.stdout + verified.stderr);
});

test('many at once: every answer is the one for its own token', async () => {
	const tokens = { alice: await mint(key), bob: await mint(key, claims('bob')), nobody: null };
	const jobs = Array.from({ length: 600 }, async (_, i) => {
		const who = Object.keys(tokens)[i % 3];
		const answer = await stack.get(`/orders/of/${who}`, tokens[who] ? bearer(tokens[who]) : {}, { timeout: 20000 });
		assert.equal(answer.status, tokens[who] ? 200 : 401, who);
		if (tokens[who]) assert.equal(answer.json().identity['x-haward-user'], who);
		else assert.match(answer.headers['www-authenticate'] ?? '', /^Bearer/);
	});
	await Promise.all(jobs);
});

test('the health addresses and the metrics answer without a session, the rest does not', async () => {
	assert.equal((await request(`http://${stack.admin}/health/live`)).status, 200);
	const metrics = await request(`http://${stack.admin}/metrics`);
	assert.equal(metrics.status, 200);
	assert.match(metrics.text, /^# (HELP|TYPE) haward_/m);
	for (const path of ['/api/v1/decisions', '/api/v1/decisions.csv', '/api/v1/policy-set', '/api/v1/system', '/api/v1/session']) {
		assert.equal((await request(`http://${stack.admin}${path}`)).status, 401, path);
	}
});
