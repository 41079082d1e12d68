// The command line: wrong settings and policies are refused with their place, explain decides as the
// agent does, token verify judges what another implementation made.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { AUDIENCE, claims, confused, ISSUER, jwksOf, makeKey, mint, now, unsecured } from './support/issuer.mjs';
import { issuerEntry, policySet, readOrders } from './support/policies.mjs';
import { run } from './support/proc.mjs';
import { sanitizers } from './support/stack.mjs';
import { examples, haward, tempDir } from './support/where.mjs';

const cli = (args, options) => run(haward, args, { env: sanitizers, ...options });

function write(dir, name, content) {
	const file = path.join(dir, name);
	fs.writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content, null, 2));
	return file;
}

test('every command explains itself', async () => {
	for (const args of [['--help'], ['--version'], ...['serve', 'check', 'explain', 'token', 'audit', 'admin'].map((c) => [c, '--help'])]) {
		const found = await cli(args);
		assert.equal(found.code, 0, args.join(' '));
		assert.ok(found.stdout.length > 5, args.join(' '));
	}
	assert.notEqual((await cli(['nonsense'])).code, 0);
	assert.notEqual((await cli([])).code, 0);
});

test('check accepts the shipped examples', async (t) => {
	const dir = tempDir(t, 'check');
	const key = await makeKey();
	write(dir, 'jwks.json', jwksOf(key));
	for (const example of ['quickstart', 'api-keys', 'mtls', 'basic']) {
		const place = (name) => write(dir, name, fs.readFileSync(path.join(examples, example, name), 'utf8').replaceAll('/etc/haward', dir).replaceAll('/var/lib/haward', dir));
		place('policy.json');
		const found = await cli(['check', '--config', place('haward.json')]);
		assert.equal(found.code, 0, found.stdout + found.stderr);
	}
});

test('wrong settings are refused by check and by serve, with the place and the nearest known name', async (t) => {
	const dir = tempDir(t, 'settings');
	const cases = [
		[{ data_dri: dir }, /data_dir/],
		[{ data_dir: dir, spop: { lisen: ['127.0.0.1:1'] } }, /listen/],
		[{ data_dir: dir, spop: { listen: ['127.0.0.1:99999'] } }, /listen/],
		[{ data_dir: dir, spop: { workers: 'two' } }, /workers/],
		[{ data_dir: dir, spop: { workers: -1 } }, /workers/],
		[{ data_dir: dir, admin: { listen: 5 } }, /listen/],
		[{ data_dir: dir, policy: { file: path.join(dir, 'absent.json') } }, /absent\.json/],
		['{"data_dir": "x", "data_dir": "y"}', /data_dir|duplicate/i],
		['{"data_dir": ', /line|:1/],
		['[]', /object/],
		['', /./],
	];
	for (const [settings, names] of cases) {
		const file = write(dir, 'haward.json', settings);
		for (const command of ['check', 'serve']) {
			const found = await cli([command, '--config', file], { timeout: 20000 });
			assert.ok(found.code > 0, `${command} ${JSON.stringify(settings)}: ${found.code}`);
			assert.match(found.stderr + found.stdout, names, `${command} ${JSON.stringify(settings)}`);
		}
	}
	const found = await cli(['check', '--config', write(dir, 'haward.json', '{\n  "data_dir": "/tmp",\n  "spop": {\n    "lisen": []\n  }\n}\n')]);
	assert.match(found.stderr + found.stdout, /4/, 'the line');
	assert.notEqual((await cli(['serve', '--config', path.join(dir, 'none.json')])).code, 0);
});

test('explain prints one decision a line, as the agent would decide', async (t) => {
	const dir = tempDir(t, 'explain');
	const key = await makeKey();
	const policy = write(dir, 'policy.json', policySet(issuerEntry({ jwks: jwksOf(key) }), [
		readOrders(),
		{ name: 'mesh', action: 'ALLOW', services: ['orders'], rules: [{ from: [{ source: { principals: ['spiffe://example.org/ns/shop/sa/checkout'] } }], to: [{ operation: { methods: ['POST'] } }] }] },
		{ name: 'beta', action: 'DENY', services: ['orders'], rules: [{ to: [{ operation: { paths: ['/orders/beta'] } }], when: [{ key: 'request.headers[x-beta]', notValues: ['yes'] }] }] },
	]));
	const requests = [
		[{ method: 'GET', path: '/orders/1', claims: claims() }, 'allow', 'read-orders'],
		[{ method: 'DELETE', path: '/orders/1', claims: claims() }, 'deny', null],
		[{ method: 'GET', path: '/orders/1' }, 'authenticate', null],
		[{ method: 'POST', path: '/orders', workload: 'spiffe://example.org/ns/shop/sa/checkout' }, 'allow', 'mesh'],
		[{ method: 'POST', path: '/orders', workload: 'spiffe://evil.org/ns/shop/sa/checkout' }, ['deny', 'authenticate'], null],
		[{ method: 'GET', path: '/orders/beta', claims: claims(), headers: { 'x-beta': 'yes' } }, 'allow', 'read-orders'],
		[{ method: 'GET', path: '/orders/beta', claims: claims(), headers: { 'x-beta': 'no' } }, 'deny', 'beta'],
		[{ method: 'GET', path: '/elsewhere', claims: claims() }, 'deny', null],
		[{ method: 'GET', path: '/orders/a%2fb', claims: claims() }, 'deny', null],
	];
	const found = await cli(['explain', '--policy', policy], { input: requests.map(([r]) => `${JSON.stringify(r)}\n`).join('') });
	const lines = found.stdout.split('\n').filter(Boolean).map((l) => JSON.parse(l));
	assert.equal(lines.length, requests.length, found.stderr);
	requests.forEach(([asked, verdict, policyName], i) => {
		assert.ok([verdict].flat().includes(lines[i].verdict), `${JSON.stringify(asked)}: ${JSON.stringify(lines[i])}`);
		if (policyName) assert.equal(lines[i].policy, policyName);
		assert.ok(lines[i].reason && lines[i].status && 'why' in lines[i] && 'service' in lines[i]);
	});
	const bad = await cli(['explain', '--policy', policy], { input: 'not json\n' });
	assert.ok(bad.code !== 0 || /deny|error/.test(bad.stdout), 'a bad line never allows');
	assert.doesNotMatch(bad.stdout, /"allow"/);
	const wrong = await cli(['explain', '--policy', policy], { input: `${JSON.stringify({ path: '/orders/1', dst_port: 'x' })}\n${JSON.stringify({ method: 'GET', path: '/orders/1' })}\n` });
	const answers = wrong.stdout.split('\n').filter(Boolean).map((l) => JSON.parse(l));
	assert.deepEqual([answers[0].pointer, answers[0].line, answers[1].verdict, wrong.code], ['/dst_port', 1, 'authenticate', 65]);
});

test('token verify', async (t) => {
	const dir = tempDir(t, 'token');
	const keys = await Promise.all(['RS256', 'PS384', 'ES256', 'ES512', 'EdDSA'].map((alg) => makeKey(alg)));
	const jwks = write(dir, 'jwks.json', jwksOf(...keys));
	const tokens = [
		...(await Promise.all(keys.map(async (key) => [await mint(key), true]))),
		[await mint(keys[0], claims('a', { exp: now() - 3600 })), false, 'token_expired'],
		[await mint(keys[0], claims('a', { aud: 'x' })), false, 'audience_mismatch'],
		[unsecured(), false],
		[await confused(keys[0]), false],
		['x.y.z', false, 'token_malformed'],
	];
	const input = tokens.map(([token]) => `${token}\n`).join('');
	const found = await cli(['token', 'verify', '--jwks', jwks, '--issuer', ISSUER, '--audience', AUDIENCE], { input });
	const lines = found.stdout.split('\n').filter(Boolean).map((l) => JSON.parse(l));
	assert.equal(lines.length, tokens.length, found.stderr);
	tokens.forEach(([, valid, reason], i) => {
		assert.equal(lines[i].valid, valid, `${i}: ${found.stdout.split('\n')[i]}`);
		if (reason) assert.equal(lines[i].reason, reason);
	});
	const untimed = await cli(['token', 'verify', '--jwks', jwks, '--no-time'], { input: `${tokens[5][0]}\n` });
	assert.equal(JSON.parse(untimed.stdout).valid, true);
	const policy = write(dir, 'policy.json', policySet(issuerEntry({ jwks: jwksOf(keys[0]) })));
	const judged = await cli(['token', 'verify', '--policy', policy, '--now', String(now() + 86400)], { input: `${tokens[0][0]}\n` });
	assert.deepEqual(JSON.parse(judged.stdout).reason, 'token_expired');
});

test('import openapi: what its policy set decides is what the document says; what cannot be said is named', async (t) => {
	const dir = tempDir(t, 'openapi');
	const document = {
		openapi: '3.1.0', info: { title: 'Shop Orders', version: '1' }, servers: [{ url: 'https://api.example/v1' }],
		security: [{ idp: ['orders:read'] }],
		paths: {
			'/orders': { get: { operationId: 'listOrders' }, post: { operationId: 'createOrder', security: [{ idp: ['orders:write'] }, { mesh: [] }] } },
			'/orders/{id}': { get: { operationId: 'readOrder' } },
			'/orders/mine': { get: { operationId: 'mine', security: [{ idp: ['orders:mine'] }] } },
			'/health': { get: { operationId: 'health', security: [] } },
		},
		components: { securitySchemes: { idp: { type: 'openIdConnect', openIdConnectUrl: `${ISSUER}/.well-known/openid-configuration` }, mesh: { type: 'mutualTLS' } } },
	};
	const source = write(dir, 'api.json', document);
	const made = await cli(['import', 'openapi', '--audience', AUDIENCE, source]);
	assert.equal(made.code, 0, made.stderr);
	const policy = write(dir, 'policy.json', made.stdout);
	assert.equal((await cli(['policy', 'lint', policy])).code, 0, 'nothing to complain about');

	const as = (scope) => ({ claims: { ...claims('anne'), scope } });
	const rows = [
		['GET', '/v1/orders', as('orders:read'), 'allow', 'listOrders'], ['GET', '/v1/orders', as('orders:readonly'), 'deny'], ['GET', '/v1/orders', {}, 'authenticate'],
		['POST', '/v1/orders', as('orders:write'), 'allow', 'createOrder'], ['POST', '/v1/orders', { workload: 'spiffe://td/x' }, 'allow', 'createOrder'], ['POST', '/v1/orders', as('orders:read'), 'deny'],
		['GET', '/v1/orders/17', as('orders:read'), 'allow', 'readOrder'], ['GET', '/v1/orders/mine', as('orders:read'), 'deny'], ['GET', '/v1/orders/mine', as('orders:mine'), 'allow', 'mine'],
		['DELETE', '/v1/orders/17', as('orders:read orders:write'), 'deny'], ['GET', '/v1/orders/17/items', as('orders:read'), 'deny'],
		['GET', '/v1/health', {}, 'allow', 'health'], ['GET', '/health', {}, 'deny'],
	];
	const input = rows.map(([method, pathname, who]) => JSON.stringify({ method, host: 'api.example', path: pathname, ...who })).join('\n');
	const explained = (await cli(['explain', '--policy', policy], { input })).stdout.trim().split('\n').map((line) => JSON.parse(line));
	rows.forEach(([method, pathname, , verdict, by], i) => {
		assert.equal(explained[i].verdict, verdict, `${method} ${pathname} (row ${i})`);
		if (by) assert.equal(explained[i].policy, by);
	});

	const refused = await cli(['import', 'openapi', write(dir, 'bad.json', { ...document, paths: { '/a.{b}': { get: {} } } })]);
	assert.equal(refused.code, 65);
	assert.equal(refused.stdout, '');
	assert.match(refused.stderr, /bad\.json: \/paths\/~1a\.\{b\}: 'a\.\{b\}': a segment of a path is either text or one \{name\}/);
	assert.equal((await cli(['import', 'openapi', write(dir, 'torn.yaml', 'openapi: [')])).code, 65);
	assert.equal((await cli(['import', 'openapi', path.join(dir, 'absent')])).code, 66);
	assert.equal((await cli(['import', 'openapi'])).code, 64);
});
