// Between services: the shipped mTLS example with its own CA, policy and scripts.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import tls from 'node:tls';
import { request } from './support/http.mjs';
import { run } from './support/proc.mjs';
import { Stack } from './support/stack.mjs';
import { eventually } from './support/wait.mjs';
import { examples, tempDir } from './support/where.mjs';

let stack, dir, base;

const identity = (name) => ({
	ca: fs.readFileSync(path.join(dir, 'ca.crt')), servername: 'localhost',
	...(name ? { cert: fs.readFileSync(path.join(dir, `${name}.crt`)), key: fs.readFileSync(path.join(dir, `${name}.key`)) } : {}),
});
const ask = (who, method = 'GET', pathname = '/payments', options = {}) =>
	request(`https://${stack.edge}${pathname}`, { method, tls: identity(who), headers: { connection: 'close' }, ...options });

before(async () => {
	base = tempDir(null, 'tls');
	dir = path.join(base, 'tls');
	const made = await run(path.join(examples, 'mtls/make-tls.sh'), [dir]);
	assert.equal(made.code, 0, made.stderr);
	stack = await Stack.up(null, {
		name: 'mtls', example: 'mtls', env: { HAWARD_TLS_DIR: dir },
		policy: fs.readFileSync(path.join(examples, 'mtls/policy.json'), 'utf8'),
	});
	await eventually('HAProxy to have its agent', async () => (await ask('checkout')).status === 200, { ms: 15000 });
});
after(async () => {
	await stack?.down();
	fs.rmSync(base, { recursive: true, force: true });
});

test('a workload does what the policy gives it, and the book names it', async () => {
	const answer = await ask('checkout', 'POST');
	assert.equal(answer.status, 200);
	assert.equal(answer.json().identity['x-haward-workload'], 'spiffe://example.org/ns/shop/sa/checkout');
	const event = await stack.event(answer.headers['haward-event']);
	assert.equal(event.workload, 'spiffe://example.org/ns/shop/sa/checkout');
	assert.deepEqual([event.service, event.policy, event.verdict, event.auth_method], ['payments', 'checkout-pays', 'allow', 'mtls']);
	assert.ok(event.source_service, 'the source service is named');
	assert.equal(event.outcome.status, 200);
});

test('another workload may read and no more; a namespace is enough', async () => {
	const read = await ask('reports');
	assert.equal(read.status, 200);
	assert.equal((await stack.event(read.headers['haward-event'], { outcome: false })).policy, 'office-reads');
	assert.equal((await ask('reports', 'POST')).status, 403);
	assert.equal((await ask('reports', 'GET', '/payments/7')).status, 403);
});

test('DENY binds everyone', async () => {
	const answer = await ask('checkout', 'DELETE');
	assert.equal(answer.status, 403);
	assert.equal((await stack.event(answer.headers['haward-event'], { outcome: false })).policy, 'nobody-deletes');
});

test('without a certificate, and with one that nobody signed: refused with a receipt, named as nobody', async () => {
	for (const who of [null, 'intruder']) {
		const answer = await ask(who, 'POST');
		assert.ok([401, 403].includes(answer.status), `${who}: ${answer.status}`);
		const event = await stack.event(answer.headers['haward-event']);
		assert.equal(event.workload ?? null, null);
		assert.equal(event.auth_method, 'none');
		assert.notEqual(event.verdict, 'allow');
	}
});

test('the strict door: no good certificate, no TLS session', async () => {
	const strict = (who) => request(`https://${stack.strict}/payments`, { tls: identity(who), headers: { connection: 'close' } });
	assert.equal((await strict('checkout')).status, 200);
	await assert.rejects(strict(null));
	await assert.rejects(strict('intruder'));
});

test('a resumed TLS session keeps its identity', async () => {
	const [host, port] = stack.edge.split(':');
	const once = (session) => new Promise((resolve, reject) => {
		let kept = session, resumed = null;
		const socket = tls.connect({ host, port: Number(port), ...identity('checkout'), session, maxVersion: 'TLSv1.2' }, () => {
			resumed = socket.isSessionReused();
			socket.write('GET /payments HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
		});
		let text = '';
		socket.on('session', (s) => { kept = s; });
		socket.on('data', (part) => { text += part; });
		socket.on('error', reject);
		socket.on('close', () => resolve({ session: kept, resumed, text }));
	});
	const first = await once();
	assert.match(first.text, /^HTTP\/1.1 200/);
	const second = await once(first.session);
	assert.equal(second.resumed, true);
	assert.match(second.text, /^HTTP\/1.1 200/);
	assert.match(second.text, /sa\/checkout/);
});
