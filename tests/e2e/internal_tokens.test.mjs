// Internal tokens: what a service gets, held against jose with the key set that the agent serves; and a second Haward
// behind the first, which knows the user by nothing but that token.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { before, test } from 'node:test';
import * as jose from 'jose';
import { bearer, request } from './support/http.mjs';
import { ISSUER, claims, jwksOf, makeKey, mint, now } from './support/issuer.mjs';
import { issuerEntry, policySet, readOrders } from './support/policies.mjs';
import { Stack } from './support/stack.mjs';
import { eventually } from './support/wait.mjs';
import { examples, tempDir } from './support/where.mjs';

const TRUST_DOMAIN = 'shop.example';
let key;

before(async () => {
	key = await makeKey('RS256', 'k-1');
});

// A service that keeps the headers of what reached it.
async function capture(t) {
	const seen = [];
	const server = http.createServer((req, res) => { seen.push(req.headers); res.end('ok'); });
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	t.after(() => { server.closeAllConnections?.(); server.close(); });
	return { seen, address: `127.0.0.1:${server.address().port}` };
}

function policyWith(token, policies) {
	const set = policySet(issuerEntry({ jwks: jwksOf(key) }), policies);
	set.services[0].token = token;
	return set;
}

const edge = (t, token, { service, name = 'edge', settings = {}, policies } = {}) => Stack.up(t, {
	name, policy: policyWith(token, policies), env: { HAWARD_SERVICE: service },
	settings: { spop: { workers: 1 }, internal_tokens: { issuer: 'https://edge.example' }, ...settings },
});

const keySet = (stack) => jose.createRemoteJWKSet(new URL(`http://${stack.admin}/.well-known/jwks.json`));

async function held(stack, token, typ) {
	const found = await jose.jwtVerify(token, keySet(stack), { issuer: 'https://edge.example', audience: TRUST_DOMAIN, algorithms: ['ES256'], typ });
	return found.payload;
}

// Every file below a directory that holds the text.
function filesWith(dir, text) {
	return fs.readdirSync(dir, { recursive: true }).map((one) => path.join(dir, one)).filter((one) => fs.statSync(one).isFile() && fs.readFileSync(one).includes(text));
}

test('a Txn-Token for each request: verified by jose, of this transaction, in no file of the agent', async (t) => {
	const { seen, address } = await capture(t);
	const stack = await edge(t, { audience: TRUST_DOMAIN, claims: ['email'] }, { service: address });
	const alice = await mint(key, claims('alice', { email: 'alice@shop.example', azp: 'web' }));
	const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
	const first = await stack.get('/orders/7?card=1', { ...bearer(alice), traceparent: `00-${trace}-00f067aa0ba902b7-01`, 'txn-token': 'forged', txn_token: 'forged' });
	const second = await stack.get('/orders/7', bearer(alice));
	assert.deepEqual([first.status, second.status], [200, 200]);
	const [one, two] = seen.slice(-2);
	assert.equal(one.txn_token, undefined);
	const said = await held(stack, one['txn-token'], 'txntoken+jwt');
	assert.ok(said.exp - said.iat === 60 && Math.abs(said.iat - now()) < 60);
	assert.deepEqual({ ...said, iat: 0, exp: 0 }, {
		iss: 'https://edge.example', aud: TRUST_DOMAIN, iat: 0, exp: 0, sub: `${ISSUER}/alice`, client_id: 'web', scope: 'orders:read', txn: trace, req_wl: 'web',
		rctx: { authn: 'jwt', req_ip: '127.0.0.1' }, tctx: { method: 'GET', path: '/orders/7', email: 'alice@shop.example' },
	});
	assert.equal((await held(stack, two['txn-token'], 'txntoken+jwt')).txn, second.headers['haward-event']);
	await stack.event(second.headers['haward-event']);
	assert.notDeepEqual(filesWith(stack.dir, second.headers['haward-event']).concat(filesWith(stack.dir, '/orders/7')), [], 'files are read');
	for (const headers of [one, two]) {
		assert.deepEqual(filesWith(stack.dir, headers['txn-token'].split('.')[2]), [], 'no file holds the token');
		assert.doesNotMatch(stack.haward.output(), new RegExp(headers['txn-token'].split('.')[2]));
	}
	const metrics = await request(`http://${stack.admin}/metrics`);
	assert.match(metrics.text, /^haward_internal_tokens_failed_total 0$/m);
});

test('a JWT serves its caller again, nobody else, and not for long; refused requests get none', async (t) => {
	const { seen, address } = await capture(t);
	const stack = await edge(t, { audience: TRUST_DOMAIN, format: 'jwt', subject: 'sub', lifetimeSeconds: 4, claims: ['groups'] }, { service: address });
	const alice = await mint(key, claims('alice', { groups: ['staff'] }));
	const berta = await mint(key, claims('berta'));
	const given = async (token) => {
		assert.equal((await stack.get('/orders/7', bearer(token))).status, 200);
		return seen.at(-1)['txn-token'];
	};
	const first = await given(alice);
	assert.equal(await given(alice), first);
	assert.notEqual(await given(berta), first);
	const said = await held(stack, first, 'JWT');
	assert.equal(said.sub, 'alice');
	assert.deepEqual(said.groups, ['staff']);
	assert.equal(said.exp - said.iat, 4);
	assert.ok(said.jti);
	await eventually('another token', async () => (await given(alice)) !== first, { ms: 6000, every: 300 });
	// nobody is reached where no token can be made: this one would be longer than a header may be
	const n = seen.length;
	const long = await mint(key, claims('carla', { groups: ['g'.repeat(5000)] }));
	const refused = await stack.get('/orders/7', bearer(long));
	assert.equal(refused.status, 503);
	assert.equal((await stack.event(refused.headers['haward-event'], { outcome: false })).reason, 'token_unavailable');
	assert.equal((await stack.get('/orders/7', { ...bearer(alice), 'x-x': '1' }, { method: 'DELETE' })).status, 403);
	assert.equal(seen.length, n, 'the service saw neither');
});

test('keys outlive the agent, and nobody has to sign in to read them', async (t) => {
	const { seen, address } = await capture(t);
	const stack = await edge(t, { audience: TRUST_DOMAIN }, { service: address });
	const alice = await mint(key, claims('alice'));
	await stack.get('/orders/7', bearer(alice));
	const before = seen.at(-1)['txn-token'];
	const set = (await request(`http://${stack.admin}/.well-known/jwks.json`)).json();
	assert.equal(set.keys.length, 1);
	assert.deepEqual(Object.keys(set.keys[0]).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
	assert.equal(set.keys[0].kid, await jose.calculateJwkThumbprint(set.keys[0]));
	await stack.haward.stop();
	await stack.startHaward();
	await stack.flowing();
	await held(stack, before, 'txntoken+jwt');
	assert.deepEqual((await request(`http://${stack.admin}/.well-known/jwks.json`)).json(), set);
});

test('a key is rotated: known before it signs, the old one good until nothing of it is; one that leaked is gone', async (t) => {
	const { seen, address } = await capture(t);
	const stack = await edge(t, { audience: TRUST_DOMAIN, format: 'jwt', lifetimeSeconds: 30 }, { service: address });
	const alice = await mint(key, claims('alice'));
	const given = async () => {
		assert.equal((await stack.get('/orders/7', bearer(alice))).status, 200);
		return seen.at(-1)['txn-token'];
	};
	const signing = async (...words) => {
		const found = await stack.cli(['signing', ...words, '--data', stack.dataDir]);
		assert.equal(found.code, 0, found.stderr);
		return found.stdout.trim();
	};
	const published = async () => (await request(`http://${stack.admin}/.well-known/jwks.json`)).json().keys.map((one) => one.kid);
	const kidOf = (token) => jose.decodeProtectedHeader(token).kid;
	const states = async () => (await signing('list')).split('\n').map((line) => line.split('\t').slice(0, 2));

	const first = await given(), old = kidOf(first);
	assert.deepEqual(await states(), [[old, 'signs']]);
	const next = await signing('rotate', '--lead', '4s');
	assert.deepEqual(await states(), [[old, 'signs'], [next, 'waits']]);
	await eventually('the next key to be known', async () => (await published()).includes(next), { ms: 2000, every: 50 });
	assert.equal(kidOf(await given()), old, 'before its time it signs nothing');
	const second = await eventually('the next key to sign', async () => {
		const token = await given();
		return kidOf(token) === next && token;
	}, { ms: 20000, every: 250 });
	assert.deepEqual(await states(), [[old, 'verifies'], [next, 'signs']]);
	for (const token of [first, second]) await held(stack, token, 'JWT');

	await signing('remove', next);
	await eventually('the key to be gone', async () => !(await published()).includes(next), { ms: 2000, every: 50 });
	await assert.rejects(held(stack, second, 'JWT'), { code: 'ERR_JWKS_NO_MATCHING_KEY' });
	await held(stack, first, 'JWT');
	await eventually('the one before to sign on', async () => kidOf(await given()) === old, { ms: 2000, every: 50 });
	await signing('remove', old);
	await eventually('another to sign', async () => kidOf(await given()) !== old, { ms: 2000, every: 50 });
	await held(stack, seen.at(-1)['txn-token'], 'JWT');
	const [[last, state], ...others] = await states();
	assert.deepEqual([kidOf(seen.at(-1)['txn-token']), state, others], [last, 'signs', []]);

	const acts = (await stack.book()).filter((row) => row.action?.startsWith('signing_key.')).map((row) => [row.action, row.target]);
	assert.deepEqual(acts, [['signing_key.create', next], ['signing_key.delete', next], ['signing_key.delete', old]]);
	for (const [words, code, text] of [
		[['remove', 'none'], 1, /no key none/],
		[['rotate', '--lead', '1y'], 64, /--lead/],
		[['rotate', '--lead', '31d'], 64, /--lead/],
		[['remove'], 64, /remove KID/],
		[['make'], 64, /are known/],
	]) {
		const found = await stack.cli(['signing', ...words, '--data', stack.dataDir]);
		assert.equal(found.code, code, words.join(' '));
		assert.match(found.stderr, text);
	}
});

// The quickstart as an inner hop: the same, but the token of the hop before is what it asks about.
function innerExample(t) {
	const dir = tempDir(t, 'inner-example');
	for (const file of ['haproxy.cfg', 'spoe.cfg', 'haward.json']) {
		let text = fs.readFileSync(path.join(examples, 'quickstart', file), 'utf8');
		if (file === 'haproxy.cfg') text = text.replace(/^.*del-header \^txn\[-_\]token\$.*\n/m, '');
		if (file === 'spoe.cfg') text = text.replace(/(args id=unique-id)/, 'args headers=req.hdrs_bin\n    $1');
		fs.writeFileSync(path.join(dir, file), text);
	}
	return path.relative(examples, dir);
}

test('the hop behind the edge knows the user, by this token alone', async (t) => {
	const inner = await Stack.up(t, { name: 'inner', example: innerExample(t), policy: { apiVersion: 'haward/v1' } });
	await inner.signIn();
	const outer = await edge(t, { audience: TRUST_DOMAIN, subject: 'sub' }, { service: inner.edge, name: 'outer' });
	const behind = policySet({
		name: 'edge', issuer: 'https://edge.example', audiences: [TRUST_DOMAIN], jwksUri: `http://${outer.admin}/.well-known/jwks.json`,
		algorithms: ['ES256'], types: ['txntoken+jwt'], fromHeaders: [{ name: 'txn-token' }],
	}, [readOrders({ users: ['https://edge.example/*'] })]);
	await inner.api.publish(behind);
	const alice = await mint(key, claims('alice'));
	const answer = await eventually('the key set to be fetched', async () => {
		const one = await outer.get('/orders/7', bearer(alice));
		return one.status === 200 && one;
	});
	const reached = answer.json();
	assert.equal(reached.identity['x-haward-user'], 'alice');
	assert.equal(reached.identity['x-haward-issuer'], 'https://edge.example');
	const rows = (await inner.book()).filter((row) => row.path === '/orders/7' && row.verdict === 'allow');
	assert.equal(rows.at(-1).user ?? rows.at(-1).subject, 'alice');
	// who goes round the edge, or brings a token that another signed, is nobody
	const ask = (headers) => inner.get('/orders/7', headers);
	assert.equal((await ask({})).status, 401);
	assert.equal((await ask(bearer(alice))).status, 401);
	const other = await makeKey('ES256', 'other');
	const forged = await mint(other, { iss: 'https://edge.example', aud: TRUST_DOMAIN, sub: 'alice', iat: now(), exp: now() + 60 }, { typ: 'txntoken+jwt' });
	assert.equal((await ask({ 'txn-token': forged })).status, 401);
});
