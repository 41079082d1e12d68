// Proxies in front of HAProxy that end mutual TLS: what they say of their client in a header is believed from those
// that the settings trust, and from nobody else. Here they also show what becomes of bundles that are fetched.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { run } from './support/proc.mjs';
import { Stack } from './support/stack.mjs';
import { eventually } from './support/wait.mjs';
import { examples, tempDir } from './support/where.mjs';

const ID = 'spiffe://shop.example/ns/shop/sa/orders';

const HAPROXY = `
global
    default-path config
    tune.bufsize 32768
defaults
    mode http
    timeout connect 2s
    timeout client 10s
    timeout server 10s
frontend web
    bind "\${HAWARD_EDGE}"
    unique-id-format %[uuid()]
    filter spoe engine haward config spoe.cfg
    http-request send-spoe-group haward authorize
    http-request return status 503 if { var(txn.haward.error) -m found }
    http-request return status 401 if { var(txn.haward.status) -m int 401 }
    http-request deny deny_status 403 unless { var(txn.haward.allow) -m bool }
    http-request set-header x-haward-workload "%[var(txn.haward.workload)]" if { var(txn.haward.workload) -m found }
    http-after-response set-header haward-event "%[var(txn.haward.event)]" if { var(txn.haward.event) -m found }
    default_backend service
backend service
    server service "\${HAWARD_SERVICE}"
backend haward-agents
    mode tcp
    option spop-check
    timeout connect 250ms
    timeout server  1m
    server agent "\${HAWARD_SPOP}" check inter 1s downinter 250ms fall 2 rise 1
`;

function files(t) {
	const dir = tempDir(t, 'forwarded');
	fs.writeFileSync(path.join(dir, 'haproxy.cfg'), HAPROXY);
	const asked = fs.readFileSync(path.join(examples, 'mtls/spoe.cfg'), 'utf8');
	fs.writeFileSync(path.join(dir, 'spoe.cfg'), asked.replace(/service=str\(payments\)/, 'service=str(orders) headers=req.hdrs_bin'));
	fs.copyFileSync(path.join(examples, 'mtls/haward.json'), path.join(dir, 'haward.json'));
	execFileSync(path.join(examples, 'mesh/make-tls.sh'), [path.join(dir, 'tls')], { stdio: 'ignore' });
	return dir;
}

const policy = (dir) => ({
	trustDomains: [{ name: 'shop.example', bundleFile: path.join(dir, 'tls/shop.pem') }],
	services: [{ name: 'orders' }],
	policies: [{ name: 'workloads', action: 'ALLOW', services: ['orders'], rules: [{ from: [{ source: { principals: ['*'] } }] }] }],
});

for (const [trusted, what] of [[true, 'a trusted proxy'], [false, 'anybody else']]) {
	test(`${what}: Client-Cert and x-forwarded-client-cert`, async (t) => {
		const dir = files(t);
		const networks = [trusted ? '127.0.0.0/8' : '192.0.2.0/24'];
		const stack = await Stack.up(t, {
			name: `forwarded-${trusted}`, example: path.relative(examples, dir), policy: policy(dir),
			settings: { authn: { trusted_proxies: { client_cert: networks, xfcc: networks } } },
		});
		const pem = (name) => fs.readFileSync(path.join(dir, `tls/${name}.crt`), 'utf8');
		const der = (name) => `:${pem(name).replace(/-----[A-Z ]+-----|\n/g, '')}:`;
		const xfcc = (...names) => `Hash=00;Cert="${encodeURIComponent(pem(names[0]))}";Chain="${encodeURIComponent(names.map(pem).join(''))}";URI=${ID}`;
		const rows = [
			[{ 'client-cert': der('orders'), 'client-cert-chain': der('shop-issuing') }, 200],
			[{ 'x-forwarded-client-cert': xfcc('orders', 'shop-issuing') }, 200],
			[{ 'x-forwarded-client-cert': `URI=spiffe://shop.example/x,${xfcc('orders', 'shop-issuing')}` }, 200],
			[{ 'client-cert': der('impostor') }, 401, 'certificate_untrusted'],
			[{ 'x-forwarded-client-cert': `URI=${ID}` }, 401, 'certificate_untrusted'],
			[{ 'client-cert': der('billing') }, 401, 'trust_domain_unknown'],
			[{ 'client-cert': 'nonsense' }, 401, 'forwarded_certificate'],
			[{ 'client-cert': der('orders'), 'x-forwarded-client-cert': xfcc('orders', 'shop-issuing') }, 401, 'forwarded_certificate'],
			[{}, 403, 'no_policy_matched'],
		];
		for (const [headers, status, reason] of rows) {
			const answer = await stack.get('/orders', headers);
			assert.equal(answer.status, trusted ? status : 403, JSON.stringify(headers).slice(0, 80));
			const event = await stack.event(answer.headers['haward-event'], { outcome: false });
			assert.equal(event.workload ?? null, trusted && status === 200 ? ID : null);
			assert.equal(event.reason, trusted ? reason ?? 'policy_allowed' : 'no_policy_matched');
			if (answer.status === 200) assert.equal(answer.json().identity['x-haward-workload'], ID);
		}
	});
}

test('a bundle by URL: fetched, fetched again when a stranger comes, and never an older one', async (t) => {
	const dir = files(t);
	const der = (name) => fs.readFileSync(path.join(dir, `tls/${name}.crt`), 'utf8').replace(/-----[A-Z ]+-----|\n/g, '');
	const bundle = (sequence, ...names) => JSON.stringify({ spiffe_sequence: sequence, spiffe_refresh_hint: 60, keys: names.map((name) => ({ kty: 'EC', use: 'x509-svid', x5c: [der(name)] })) });
	let served = null, asked = 0;
	const spire = http.createServer((req, res) => {
		asked++;
		res.writeHead(served ? 200 : 503, { 'content-type': 'application/json' }).end(served ?? '');
	});
	await new Promise((resolve) => spire.listen(0, '127.0.0.1', resolve));
	t.after(() => spire.close());
	const stack = await Stack.up(t, {
		name: 'bundle-url', example: path.relative(examples, dir),
		policy: { ...policy(dir), trustDomains: [{ name: 'shop.example', bundleUrl: `http://127.0.0.1:${spire.address().port}/bundle` }] },
		settings: { authn: { trusted_proxies: { client_cert: ['127.0.0.1'] } }, fetch: { floor_s: 1 } },
	});
	const why = async (...names) => {
		const [leaf, ...chain] = names.map((name) => `:${der(name)}:`);
		const answer = await stack.get('/orders', { 'client-cert': leaf, ...(chain.length ? { 'client-cert-chain': chain.join(', ') } : {}) });
		return (await stack.event(answer.headers['haward-event'], { outcome: false })).reason;
	};
	const orders = () => why('orders', 'shop-issuing'), impostor = () => why('impostor');
	const becomes = (who, reason) => eventually(`${reason}`, async () => (await who()) === reason, { every: 200 });

	assert.equal(await orders(), 'trust_bundle_unavailable');
	served = bundle(2, 'shop');
	await becomes(orders, 'policy_allowed');
	assert.equal(await impostor(), 'certificate_untrusted');

	served = bundle(3, 'pay');
	await becomes(impostor, 'policy_allowed');
	assert.equal(await orders(), 'certificate_untrusted');

	served = bundle(2, 'shop');
	const before = asked;
	await eventually('another fetch', async () => (await orders()) === 'certificate_untrusted' && asked > before, { every: 200 });
	assert.equal(await orders(), 'certificate_untrusted');
	assert.equal(await impostor(), 'policy_allowed');

	served = bundle(4);
	await becomes(async () => { await orders(); return impostor(); }, 'certificate_untrusted');
});

test('settings with a network that is none are refused by name', async (t) => {
	const dir = tempDir(t, 'networks');
	const file = path.join(dir, 'haward.json');
	fs.writeFileSync(file, JSON.stringify({ authn: { trusted_proxies: { xfcc: ['10.0.0.0/8', '10.0.0.1/8'] } } }));
	const { haward } = await import('./support/where.mjs');
	const found = await run(haward, ['check', '--config', file]);
	assert.notEqual(found.code, 0);
	assert.match(found.stderr, /\/authn\/trusted_proxies\/xfcc\/1.*10\.0\.0\.1\/8/);
});
