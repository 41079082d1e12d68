// Workloads of two trust domains, as the shipped examples have them: each by its own authority alone, and a user's
// request followed through every hop.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { bearer, request } from './support/http.mjs';
import { freePorts } from './support/ports.mjs';
import { run, start } from './support/proc.mjs';
import { Stack } from './support/stack.mjs';
import { eventually } from './support/wait.mjs';
import { examples, haproxy } from './support/where.mjs';

const shipped = (example) => fs.readFileSync(path.join(examples, example, 'policy.json'), 'utf8');
const NAMES = { orders: 'spiffe://shop.example/ns/shop/sa/orders', billing: 'spiffe://pay.example/ns/pay/sa/billing', edge: 'spiffe://shop.example/ns/edge/sa/edge' };

async function makeTls(stack) {
	stack.tls = path.join(stack.dir, 'tls');
	const made = await run(path.join(examples, 'mesh/make-tls.sh'), [stack.tls]);
	assert.equal(made.code, 0, made.stderr);
}

// A caller of its own: cert NAME.pem has the certificate, what is between it and the root, and the key
const as = (stack, name, door, servername, ca, pathname, options = {}) => {
	const pem = name && fs.readFileSync(path.join(stack.tls, `${name}.pem`));
	return request(`https://${door}${pathname}`, {
		...options,
		tls: { ca: fs.readFileSync(path.join(stack.tls, `${ca}.pem`)), servername, ...(pem ? { cert: pem, key: pem } : {}) },
		headers: { connection: 'close', ...options.headers },
	});
};

test('mesh: two services and their sidecars, in two trust domains', async (t) => {
	const [ordersIn, ordersOut, billingIn, billingOut, billing] = (await freePorts(5)).map((port) => `127.0.0.1:${port}`);
	const stack = await Stack.up(t, {
		name: 'mesh', example: 'mesh',
		policy: async (it) => {
			await makeTls(it);
			const of = (own, domain, peer, peerName, peerDomain) => ({
				HAWARD_SIDECAR_OF: own, HAWARD_SVID: `${it.tls}/${own}.pem`, HAWARD_BUNDLE: `${it.tls}/${domain}.pem`,
				HAWARD_PEER: peer, HAWARD_PEER_NAME: peerName, HAWARD_PEER_BUNDLE: `${it.tls}/${peerDomain}.pem`,
			});
			it.billingEnv = { ...it.env, ...of('billing', 'pay', ordersIn, 'orders.shop.example', 'shop'), HAWARD_INBOUND: billingIn, HAWARD_OUTBOUND: billingOut, HAWARD_SERVICE: billing };
			Object.assign(it.env, of('orders', 'shop', billingIn, 'billing.pay.example', 'pay'), { HAWARD_INBOUND: ordersIn, HAWARD_OUTBOUND: ordersOut });
			return shipped('mesh');
		},
	});
	const service = start('billing', process.execPath, [path.join(examples, 'demo/service.mjs'), billing, 'billing'], { log: path.join(stack.logs, 'billing.log') });
	t.after(() => service.stop());
	const sidecar = start('haproxy', haproxy, ['-db', '-f', path.join(stack.example, 'haproxy.cfg')], { log: path.join(stack.logs, 'haproxy-billing.log'), env: stack.billingEnv });
	t.after(() => sidecar.stop());
	const out = (door, pathname, method = 'GET') => request(`http://${door}${pathname}`, { method });
	await eventually('orders to reach billing', async () => (await out(ordersOut, '/invoices')).status === 200, { ms: 20000 });
	await eventually('billing to reach orders', async () => (await out(billingOut, '/orders/1')).status === 200, { ms: 20000 });

	const hop = async (answer, wanted) => {
		const event = await stack.event(answer.headers['haward-event'], { outcome: false });
		assert.deepEqual({ service: event.service, workload: event.workload ?? null, verdict: event.verdict, reason: event.reason }, wanted);
	};

	await t.test('each asks what it may, through its sidecar', async () => {
		const there = await out(ordersOut, '/invoices/7', 'POST');
		assert.equal(there.status, 200);
		assert.deepEqual([there.json().service, there.json().identity['x-haward-workload']], ['billing', NAMES.orders]);
		await hop(there, { service: 'billing', workload: NAMES.orders, verdict: 'allow', reason: 'policy_allowed' });
		const back = await out(billingOut, '/orders/7');
		assert.equal(back.json().identity['x-haward-workload'], NAMES.billing);
		await hop(back, { service: 'orders', workload: NAMES.billing, verdict: 'allow', reason: 'policy_allowed' });
		const refused = await out(billingOut, '/orders/7', 'DELETE');
		assert.equal(refused.status, 403);
		await hop(refused, { service: 'orders', workload: NAMES.billing, verdict: 'deny', reason: 'no_policy_matched' });
	});

	const atBilling = (name, options) => as(stack, name, billingIn, 'billing.pay.example', 'pay', '/invoices', options);
	await t.test("no authority can give another domain's names", async () => {
		// billing's HAProxy finds nothing wrong with it: its own root has signed it
		const impostor = await atBilling('impostor');
		assert.equal(impostor.status, 401);
		await hop(impostor, { service: 'billing', workload: null, verdict: 'authenticate', reason: 'certificate_untrusted' });
		assert.equal((await atBilling('orders')).status, 200);
		const nobody = await atBilling(null);
		assert.equal(nobody.status, 403);
		await hop(nobody, { service: 'billing', workload: null, verdict: 'deny', reason: 'no_policy_matched' });
	});

	await t.test('what does not lead to a bundle is refused, whatever it says', async () => {
		const openssl = (...args) => execFileSync('openssl', args, { cwd: stack.tls, stdio: 'ignore' });
		const file = (name) => path.join(stack.tls, name);
		const make = (name, by, ...extensions) => {
			openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`);
			openssl('req', '-new', '-key', `${name}.key`, '-subj', '/CN=orders', '-out', 'req');
			fs.writeFileSync(file('ext'), extensions.join('\n'));
			openssl('x509', '-req', '-in', 'req', ...(by ? ['-CA', `${by}.crt`, '-CAkey', `${by}.key`, '-CAcreateserial'] : ['-signkey', `${name}.key`]), '-days', '1', '-out', `${name}.crt`, '-extfile', 'ext');
			const between = by === 'shop-issuing' ? fs.readFileSync(file('shop-issuing.crt'), 'utf8') : '';
			fs.writeFileSync(file(`${name}.pem`), fs.readFileSync(file(`${name}.crt`), 'utf8') + between + fs.readFileSync(file(`${name}.key`), 'utf8'));
		};
		const leaf = ['basicConstraints=critical,CA:FALSE', 'keyUsage=critical,digitalSignature'], name = `subjectAltName=URI:${NAMES.orders}`;
		make('self', null, name, ...leaf);
		make('two', 'shop-issuing', `${name},URI:https://x/y`, ...leaf);
		make('strange', 'shop-issuing', 'subjectAltName=URI:spiffe://elsewhere.example/a', ...leaf);
		make('again', 'shop-issuing', name, ...leaf);
		fs.copyFileSync(file('again.crt'), file('short.pem'));
		fs.appendFileSync(file('short.pem'), fs.readFileSync(file('again.key')));
		const rows = [['self', 'certificate_untrusted'], ['two', 'spiffe_id_invalid'], ['strange', 'trust_domain_unknown'], ['short', 'certificate_untrusted'], ['again', null]];
		for (const [who, reason] of rows) {
			const answer = await atBilling(who);
			assert.equal(answer.status, reason ? 401 : 200, who);
			if (reason) await hop(answer, { service: 'billing', workload: null, verdict: 'authenticate', reason });
		}
	});
});

test('edge-and-mesh: one trail, a row a hop, with the user and the workload that asked', async (t) => {
	const [orders, billingDoor, outbound, second] = (await freePorts(4)).map((port) => `127.0.0.1:${port}`);
	const issuer = path.join(examples, 'demo/issuer.mjs');
	const stack = await Stack.up(t, {
		name: 'edge-and-mesh', example: 'edge-and-mesh',
		serviceArgs: ['orders', `http://${outbound}/invoices`],
		env: { HAWARD_ORDERS: orders, HAWARD_BILLING: billingDoor, HAWARD_OUTBOUND: outbound, HAWARD_SERVICE_2: second },
		policy: async (it) => {
			await makeTls(it);
			assert.equal((await run(process.execPath, [issuer, 'keys', it.dir])).code, 0);
			it.env.HAWARD_TLS_DIR = it.tls;
			return shipped('edge-and-mesh');
		},
	});
	const service = start('billing', process.execPath, [path.join(examples, 'demo/service.mjs'), second, 'billing'], { log: path.join(stack.logs, 'billing.log') });
	t.after(() => service.stop());
	const token = async (who, scopes) => (await run(process.execPath, [issuer, 'token', stack.dir, who, scopes])).stdout.trim();
	const alice = await token('alice', 'orders:read');
	const answer = await eventually('all hops to answer', async () => {
		const found = await stack.get('/orders/17', bearer(alice));
		return found.status === 200 && found.json().next?.status === 200 && found;
	}, { ms: 20000 });

	await t.test('the services see the user and who asks for them', () => {
		const said = answer.json();
		assert.deepEqual([said.service, said.identity], ['orders', { 'x-haward-user': 'alice', 'x-haward-workload': NAMES.edge }]);
		assert.deepEqual([said.next.body.service, said.next.body.identity, said.next.body.authorization], ['billing', { 'x-haward-user': 'alice', 'x-haward-workload': NAMES.orders }, false]);
	});

	await t.test('audit export has the whole way', async () => {
		const first = await stack.event(answer.headers['haward-event'], { outcome: false });
		assert.match(first.trace_id, /^[0-9a-f]{32}$/);
		const hops = await eventually('every hop in the book', async () => {
			const found = await stack.book(`trace_id:${first.trace_id}`);
			return found.length >= 3 && found;
		});
		assert.deepEqual(
			hops.map((one) => [one.service, one.user, one.workload ?? null, one.verdict]).sort(),
			[['billing', 'alice', NAMES.orders, 'allow'], ['orders', 'alice', NAMES.edge, 'allow'], ['shop', 'alice', null, 'allow']],
		);
	});

	await t.test('a user alone, or a workload alone, gets nothing behind the edge', async () => {
		const door = (name, headers) => as(stack, name, orders, 'orders.shop.example', 'shop', '/orders/17', { headers });
		assert.equal((await door('edge', bearer(alice))).status, 200);
		for (const [name, headers] of [['edge', {}], [null, bearer(alice)], ['billing', bearer(alice)]])
			assert.ok([401, 403].includes((await door(name, headers)).status), `${name}`);
		assert.equal((await door('impostor', bearer(alice))).status, 401);
		assert.equal((await stack.get('/orders/17', bearer(await token('bob', 'other')))).status, 403);
		assert.equal((await stack.get('/orders/17')).status, 401);
	});

	await t.test('what a client says of itself does not get in', async () => {
		const said = (await stack.get('/orders/17', { ...bearer(alice), 'x-haward-user': 'root', 'X_Haward_Workload': NAMES.billing, 'client-cert': ':AAAA:', traceparent: '00-11111111111111111111111111111111-2222222222222222-01' })).json();
		assert.deepEqual(said.identity, { 'x-haward-user': 'alice', 'x-haward-workload': NAMES.edge });
		assert.equal((await stack.book('trace_id:11111111111111111111111111111111')).length, 0);
	});
});
