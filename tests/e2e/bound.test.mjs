// Tokens that are worth nothing without what they are bound to, and rules that ask for a better sign-in.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { bearer, request } from './support/http.mjs';
import { AUDIENCE, claims, ISSUER, jwksOf, makeKey, mint, now } from './support/issuer.mjs';
import { issuerEntry, policySet, readOrders } from './support/policies.mjs';
import { run } from './support/proc.mjs';
import { dpop, makeClient, prove, sha256 } from './support/proof.mjs';
import { keepAlive, Stack } from './support/stack.mjs';
import { eventually } from './support/wait.mjs';
import { examples, tempDir } from './support/where.mjs';

const reasonOf = async (stack, answer) => (await stack.event(answer.headers['haward-event'], { outcome: false })).reason;

/* ---- a certificate ---- */

test('a token bound to a certificate is good only in a session with that certificate', async (t) => {
	const base = tempDir(t, 'bound-tls');
	const dir = path.join(base, 'tls');
	const made = await run(path.join(examples, 'mtls/make-tls.sh'), [dir]);
	assert.equal(made.code, 0, made.stderr);
	const key = await makeKey('ES256');
	const strict = await makeKey('ES256');
	const STRICT = 'https://strict.example';
	const stack = await Stack.up(t, {
		name: 'bound-mtls', example: 'mtls', env: { HAWARD_TLS_DIR: dir },
		policy: {
			apiVersion: 'haward/v1',
			issuers: [
				issuerEntry({ jwks: jwksOf(key), algorithms: ['ES256'] }),
				issuerEntry({ name: 'strict', issuer: STRICT, jwks: jwksOf(strict), algorithms: ['ES256'], tokenBinding: 'required' }),
			],
			services: [{ name: 'payments', paths: ['/payments'] }],
			policies: [{ name: 'anna', action: 'ALLOW', services: ['payments'], rules: [{ from: [{ source: { requestPrincipals: ['*'] } }] }] }],
		},
	});
	const tls = (name) => ({
		ca: fs.readFileSync(path.join(dir, 'ca.crt')), servername: 'localhost',
		...(name ? { cert: fs.readFileSync(path.join(dir, `${name}.crt`)), key: fs.readFileSync(path.join(dir, `${name}.key`)) } : {}),
	});
	const ask = (who, token) => request(`https://${stack.edge}/payments`, { tls: tls(who), headers: { connection: 'close', ...bearer(token) } });
	const x5t = sha256(new X509Certificate(fs.readFileSync(path.join(dir, 'checkout.crt'))).raw);
	const bound = await mint(key, claims('anna', { cnf: { 'x5t#S256': x5t } }));
	await eventually('HAProxy to have its agent', async () => (await ask('checkout', bound)).status === 200, { ms: 15000 });

	const rows = [
		['its certificate', 'checkout', bound, 200, 'policy_allowed'],
		['another certificate', 'reports', bound, 401, 'token_binding_mismatch'],
		['no certificate', null, bound, 401, 'certificate_required'],
		['its certificate again', 'checkout', bound, 200, 'policy_allowed'],
		['one that nobody signed', 'intruder', bound, 401, 'token_binding_mismatch'],
		['a token that is not bound', 'reports', await mint(key, claims('anna')), 200, 'policy_allowed'],
		['a binding that is not known', 'checkout', await mint(key, claims('anna', { cnf: { 'x5t#S256': x5t, kid: '1' } })), 401, 'token_binding_unsupported'],
		['an issuer that binds: bound', 'checkout', await mint(strict, claims('anna', { iss: STRICT, cnf: { 'x5t#S256': x5t } })), 200, 'policy_allowed'],
		['an issuer that binds: not bound', 'checkout', await mint(strict, claims('anna', { iss: STRICT })), 401, 'token_binding_missing'],
	];
	for (const [what, who, token, status, reason] of rows) {
		const answer = await ask(who, token);
		assert.equal(answer.status, status, what);
		assert.equal(await reasonOf(stack, answer), reason, what);
		if (status === 401) assert.match(answer.headers['www-authenticate'], /^Bearer .*error="invalid_token"/, what);
	}
});

/* ---- a key ---- */

let stack, key, client, token;
const NONCE = 'https://nonce.example';
const NAMED = 'https://named.example';

before(async () => {
	[key, client] = [await makeKey('ES256'), await makeClient()];
	const issuer = (extra) => issuerEntry({ jwks: jwksOf(key), algorithms: ['ES256'], ...extra });
	const policy = policySet(issuer(), [readOrders({ users: ['*'] })]);
	policy.issuers.push(issuer({ name: 'nonce', issuer: NONCE, tokenBinding: 'required', dpop: { nonce: true } }));
	policy.issuers.push(issuer({ name: 'named', issuer: NAMED, dpop: { baseUrls: ['https://api.example/v1'] } }));
	stack = await Stack.up(null, { name: 'bound-dpop', policy, settings: { spop: { workers: 2 } } });
	token = await mint(key, claims('anna', { cnf: { jkt: client.jkt } }));
});
after(() => stack?.down());

const url = (pathname = '/orders/1') => `${stack.url}${pathname}`;
const ask = (proof, options) => stack.get('/orders/1', dpop(token, proof), options);

test('a token bound to a key passes with a proof, and neither reaches the service', async () => {
	const answer = await ask(await prove(client, token, 'GET', url()));
	assert.equal(answer.status, 200, answer.text);
	const event = await stack.event(answer.headers['haward-event']);
	assert.deepEqual([event.user, event.auth_method, event.verdict], ['anna', 'jwt', 'allow']);
	assert.doesNotMatch(answer.text, /dpop\+jwt|DPoP/i);
	for (const alg of ['EdDSA', 'RS256', 'PS256', 'ES384']) {
		const other = await makeClient(alg);
		const theirs = await mint(key, claims('anna', { cnf: { jkt: other.jkt } }));
		const made = await stack.get('/orders/1', dpop(theirs, await prove(other, theirs, 'GET', url())));
		assert.equal(made.status, 200, alg);
	}
	assert.equal((await ask(await prove(client, token, 'GET', `${url()}?a=b`))).status, 200, 'a query is passed over');
});

test('each thing that is wrong with a proof has its reason and its challenge', async () => {
	const thief = await makeClient();
	const good = () => prove(client, token, 'GET', url());
	const but = (claims, header) => prove(client, token, 'GET', url(), { claims, header });
	const rows = [
		['no proof', undefined, 'dpop_required', 'invalid_token'],
		['not a JWT', 'abc', 'dpop_malformed', 'invalid_dpop_proof'],
		['two proofs', [await good(), await good()], 'dpop_malformed', 'invalid_dpop_proof'],
		['a proof by another key', await prove(thief, token, 'GET', url()), 'token_binding_mismatch', 'invalid_token'],
		['signed by another key', await prove(client, token, 'GET', url(), { key: thief.privateKey }), 'dpop_signature_invalid', 'invalid_dpop_proof'],
		['another type', await but({}, { typ: 'JWT' }), 'dpop_malformed', 'invalid_dpop_proof'],
		['a private key inside', await but({}, { jwk: { ...client.jwk, d: client.secret } }), 'dpop_malformed', 'invalid_dpop_proof'],
		['another method', await but({ htm: 'POST' }), 'dpop_mismatch', 'invalid_dpop_proof'],
		['another path', await but({ htu: url('/orders/2') }), 'dpop_mismatch', 'invalid_dpop_proof'],
		['another host', await but({ htu: 'http://other.example/orders/1' }), 'dpop_mismatch', 'invalid_dpop_proof'],
		['another scheme', await but({ htu: url().replace('http:', 'https:') }), 'dpop_mismatch', 'invalid_dpop_proof'],
		['another token', await but({ ath: sha256('other') }), 'dpop_mismatch', 'invalid_dpop_proof'],
		['no token', await but({ ath: undefined }), 'dpop_malformed', 'invalid_dpop_proof'],
		['no id', await but({ jti: undefined }), 'dpop_malformed', 'invalid_dpop_proof'],
		['too old', await but({ iat: now() - 70 }), 'dpop_expired', 'invalid_dpop_proof'],
		['dated ahead', await but({ iat: now() + 20 }), 'dpop_expired', 'invalid_dpop_proof'],
	];
	for (const [what, proof, reason, error] of rows) {
		const answer = await ask(proof);
		assert.equal(answer.status, 401, what);
		assert.equal(await reasonOf(stack, answer), reason, what);
		assert.match(answer.headers['www-authenticate'], new RegExp(`^DPoP realm="haward", error="${error}".*, algs="ES256 `), what);
	}
});

test('a client without a token is told of both schemes where an issuer demands bound tokens', async () => {
	const answer = await stack.get('/orders/1');
	assert.equal(answer.status, 401);
	assert.match(answer.headers['www-authenticate'], /^Bearer realm="haward", DPoP realm="haward", algs="ES256 [^"]*"$/);
});

test('a stolen token is no bearer token; a bearer token is not bound by a proof', async () => {
	const stolen = await stack.get('/orders/1', bearer(token));
	assert.equal(stolen.status, 401);
	assert.equal(await reasonOf(stack, stolen), 'dpop_required');
	assert.match(stolen.headers['www-authenticate'], /^DPoP /);
	const plain = await mint(key, claims('anna'));
	const answer = await stack.get('/orders/1', dpop(plain, await prove(client, plain, 'GET', url())));
	assert.equal(answer.status, 401);
	assert.equal(await reasonOf(stack, answer), 'token_binding_missing');
	assert.equal((await stack.get('/orders/1', bearer(plain))).status, 200);
	const strange = await mint(key, claims('anna', { cnf: { jwk: client.jwk } }));
	assert.equal(await reasonOf(stack, await stack.get('/orders/1', bearer(strange))), 'token_binding_unsupported');
});

test('a proof is good once, however many ask with it at the same moment and at whichever worker', async () => {
	const agent = keepAlive(16);
	for (let round = 0; round < 10; round++) {
		const proof = await prove(client, token, 'GET', url());
		const answers = await Promise.all(Array.from({ length: 16 }, () => ask(proof, { agent })));
		const passed = answers.filter((answer) => answer.status === 200);
		assert.ok(passed.length <= 1, `${passed.length} of 16 passed`);
		const refused = answers.find((answer) => answer.status === 401);
		assert.equal(await reasonOf(stack, refused), 'dpop_replayed');
		assert.equal((await ask(proof)).status, 401, 'and not later either');
	}
	agent.destroy();
});

test('an issuer may ask for a nonce: the first answer brings it, and so do those after', async () => {
	const theirs = await mint(key, claims('anna', { iss: NONCE, cnf: { jkt: client.jkt } }));
	const tell = async (nonce) => stack.get('/orders/1', dpop(theirs, await prove(client, theirs, 'GET', url(), { claims: { nonce } })));
	const first = await tell(undefined);
	assert.equal(first.status, 401);
	assert.equal(await reasonOf(stack, first), 'dpop_nonce');
	assert.match(first.headers['www-authenticate'], /^DPoP .*error="use_dpop_nonce"/);
	const nonce = first.headers['dpop-nonce'];
	assert.match(nonce, /^[\w-]{27}$/);
	const second = await tell(nonce);
	assert.equal(second.status, 200);
	assert.ok(second.headers['dpop-nonce'], 'the next one');
	assert.equal((await tell(second.headers['dpop-nonce'])).status, 200);
	assert.equal(await reasonOf(stack, await tell('AAAAAAAAAAAAAAAAAAAAAAAAAAA')), 'dpop_nonce');
	assert.equal((await ask(await prove(client, token, 'GET', url()))).headers['dpop-nonce'], undefined, 'others get none');
});

test('clients may know the service by another name than HAProxy does', async () => {
	const theirs = await mint(key, claims('anna', { iss: NAMED, cnf: { jkt: client.jkt } }));
	const tell = async (htu) => stack.get('/orders/1', dpop(theirs, await prove(client, theirs, 'GET', htu)));
	assert.equal((await tell('https://api.example/v1/orders/1')).status, 200);
	assert.equal(await reasonOf(stack, await tell('https://api.example/orders/1')), 'dpop_mismatch');
	assert.equal(await reasonOf(stack, await tell(url())), 'dpop_mismatch');
});

test('what is in the book holds no proof', async () => {
	const text = JSON.stringify(await stack.book());
	assert.doesNotMatch(text, /eyJ0eXAiOiJkcG9w/);
});

/* ---- a better sign-in ---- */

test('a rule may ask for a stronger and a fresher sign-in', async (t) => {
	const signer = await makeKey('ES256');
	const pay = {
		name: 'pay', action: 'ALLOW', services: ['orders'],
		rules: [{
			from: [{ source: { requestPrincipals: [`${ISSUER}/*`] } }],
			to: [{ operation: { methods: ['POST'], paths: ['/orders'] } }],
			authentication: { acrValues: ['urn:gold', 'urn:silver'], maxAge: 300 },
		}],
	};
	const up = await Stack.up(t, { name: 'step-up', policy: policySet(issuerEntry({ jwks: jwksOf(signer), algorithms: ['ES256'] }), [readOrders(), pay]) });
	const order = async (extra, headers = {}) => up.get('/orders', { ...bearer(await mint(signer, claims('anna', extra))), ...headers }, { method: 'POST' });
	for (const [what, extra] of [['weak', { acr: 'urn:bronze', auth_time: now() }], ['long ago', { acr: 'urn:gold', auth_time: now() - 400 }], ['not told', {}]]) {
		const answer = await order(extra);
		assert.equal(answer.status, 401, what);
		assert.equal(answer.headers['www-authenticate'], 'Bearer realm="haward", error="insufficient_user_authentication", error_description="a stronger or more recent sign-in is asked for", acr_values="urn:gold urn:silver", max_age="300"', what);
		const event = await up.event(answer.headers['haward-event'], { outcome: false });
		assert.deepEqual([event.user, event.verdict, event.reason], ['anna', 'authenticate', 'step_up_required'], what);
	}
	assert.equal((await order({ acr: 'urn:silver', auth_time: now() - 200 })).status, 200);
	assert.equal((await up.get('/orders', bearer(await mint(signer)))).status, 200, 'reading takes no more than before');
	const nobody = await up.get('/orders', {}, { method: 'POST' });
	assert.equal(await reasonOf(up, nobody), 'authentication_required');
	const explained = await run(process.env.HAWARD_BIN, ['explain', '--policy', up.policyFile], {
		input: `${JSON.stringify({ method: 'POST', path: '/orders', claims: { iss: ISSUER, aud: AUDIENCE, sub: 'anna', acr: 'urn:bronze' } })}\n`,
	});
	assert.match(explained.stdout, /step_up_required/);
	assert.match(explained.stdout, /authentication\.acrValues/);
});
