// The example of schema/spoe.md as people copy it, between a client and a service: a question about a request, one
// about a connection, and a report instead of HAProxy's log.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { freePorts } from './support/ports.mjs';
import { request } from './support/http.mjs';
import { Stack } from './support/stack.mjs';
import { eventually } from './support/wait.mjs';
import { examples, root, tempDir } from './support/where.mjs';

const page = fs.readFileSync(path.join(root, 'schema/spoe.md'), 'utf8');
const block = (name) => page.match(new RegExp(`^\`\`\`${name.replace('.', '\\.')}\\n([^]*?)^\`\`\`$`, 'm'))[1];

// The addresses of the example, by what this test gives it instead.
const addresses = {
	'127.0.0.1:8080': 'HAWARD_EDGE', '127.0.0.1:5432': 'HAWARD_MTLS_STRICT', '127.0.0.1:8081': 'HAWARD_SERVICE',
	'127.0.0.1:5433': 'HAWARD_DATABASE', '127.0.0.1:12350': 'HAWARD_SPOP',
};
const policy = {
	apiVersion: 'haward/v1', defaultAction: 'DENY',
	services: [{ name: 'orders', paths: ['/orders/{**}', '/warm-up'] }, { name: 'db', paths: ['/none'] }],
	policies: [
		{ name: 'read', action: 'ALLOW', services: ['orders'], rules: [{ to: [{ operation: { methods: ['GET'] } }] }] },
		{ name: 'no-robots', action: 'DENY', services: ['orders'], rules: [{ when: [{ key: 'request.headers[x-robot]', values: ['*'] }] }] },
		{ name: 'this-machine', action: 'ALLOW', services: ['db'], rules: [{ from: [{ source: { ipBlocks: ['127.0.0.1/32'] } }] }] },
	],
};

let stack, folder, database;

before(async () => {
	folder = tempDir(null, 'contract');
	const [port] = await freePorts(1);
	database = net.createServer((socket) => socket.on('error', () => {}).end('hello from the database'));
	await new Promise((resolve) => database.listen(port, '127.0.0.1', resolve));
	let haproxy = block('haproxy.cfg');
	for (const [address, name] of Object.entries(addresses)) {
		assert.equal(haproxy.split(address).length, 2, `${address} stands once in the example`);
		haproxy = haproxy.replace(address, `"\${${name}}"`);
	}
	fs.writeFileSync(path.join(folder, 'haproxy.cfg'), haproxy.replaceAll('config spoe.cfg', `config ${folder}/spoe.cfg`));
	fs.writeFileSync(path.join(folder, 'spoe.cfg'), block('spoe.cfg'));
	fs.copyFileSync(path.join(examples, 'quickstart/haward.json'), path.join(folder, 'haward.json'));
	stack = await Stack.up(null, {
		name: 'contract', example: path.relative(examples, folder), policy,
		env: { HAWARD_DATABASE: `127.0.0.1:${port}` },
	});
});
after(async () => {
	await stack?.down();
	await new Promise((resolve) => database.close(resolve));
	fs.rmSync(folder, { recursive: true, force: true });
});

// All a connection from this address brings, empty when it is refused.
const dial = (localAddress) => new Promise((resolve) => {
	const [host, port] = stack.strict.split(':');
	let text = '';
	const socket = net.connect({ host, port: Number(port), localAddress });
	socket.setTimeout(10000, () => socket.destroy());
	socket.on('data', (bytes) => { text += bytes; }).on('error', () => {}).on('close', () => resolve(text));
});

test('a request is judged by what its message tells, and its outcome comes with haward-account', async () => {
	const answer = await stack.get('/orders/17?x=1', { 'user-agent': 'contract' });
	assert.equal(answer.status, 200);
	const event = await stack.event(answer.headers['haward-event']);
	assert.deepEqual([event.kind, event.verdict, event.service, event.policy, event.method, event.path],
		['request', 'allow', 'orders', 'read', 'GET', '/orders/17']);
	assert.equal(event.user_agent, 'contract');
	assert.equal(event.src, '127.0.0.1');
	assert.deepEqual([event.outcome.status, event.outcome.backend, event.outcome.server], [200, 'orders', 'orders']);
});

test('headers reach the policies by req.hdrs_bin', async () => {
	assert.equal((await stack.get('/orders/17', { 'x-robot': 'yes' })).status, 403);
	assert.equal((await stack.get('/orders/17', { 'x-human': 'yes' })).status, 200);
});

test('two credentials are refused, one that is none is told how', async () => {
	assert.equal((await stack.get('/orders/17', { authorization: ['Bearer a', 'Bearer b'] })).status, 400);
	const answer = await stack.get('/orders/17', { authorization: 'Bearer nonsense' });
	assert.equal(answer.status, 401);
	assert.match(answer.headers['www-authenticate'], /^Bearer realm="haward", error="invalid_token"/);
});

test('a connection is judged before the service hears of it', async () => {
	assert.equal(await dial('127.0.0.1'), 'hello from the database');
	assert.equal(await dial('127.0.0.2'), '');
	const events = await eventually('both connections in the book', async () => {
		const found = await stack.book('kind:connection');
		return found.length >= 2 && found;
	});
	const told = events.map((event) => [event.src, event.verdict, event.service, event.policy ?? null]).sort();
	assert.deepEqual(told, [['127.0.0.1', 'allow', 'db', 'this-machine'], ['127.0.0.2', 'deny', 'db', null]]);
});

test('without the agent neither passes', async () => {
	await stack.haward.stop();
	assert.equal((await stack.get('/orders/17')).status, 503);
	assert.equal(await dial('127.0.0.1'), '');
	await stack.startHaward();
	await stack.flowing();
	assert.equal((await stack.get('/orders/17')).status, 200);
	assert.equal(await dial('127.0.0.1'), 'hello from the database');
});
