// Learned ownership: who created an order owns it from the moment that HAProxy passes the service's answer on.
import assert from 'node:assert/strict';
import http from 'node:http';
import { before, test } from 'node:test';
import { claims, jwksOf, makeKey, mint } from './support/issuer.mjs';
import { bearer, request } from './support/http.mjs';
import { issuerEntry, policySet } from './support/policies.mjs';
import { Stack, keepAlive } from './support/stack.mjs';
import { eventually } from './support/wait.mjs';

let key;
before(async () => {
	key = await makeKey('RS256', 'k-1');
});

const types = { user: {}, order: { owner: { types: ['user'] } }, draft: { owner: { types: ['user'] } } };
const policies = [
	{ name: 'create-orders', action: 'ALLOW', services: ['orders'], rules: [{
		from: [{ source: { requestPrincipals: ['*'] } }], to: [{ operation: { methods: ['POST'], paths: ['/orders'] } }],
		learn: { path: '/orders/{id}', object: 'order:{id}', relation: 'owner' } }] },
	{ name: 'create-drafts', action: 'ALLOW', services: ['orders'], rules: [{
		from: [{ source: { requestPrincipals: ['*'] } }], to: [{ operation: { methods: ['POST'], paths: ['/orders/drafts'] } }],
		learn: { header: 'x-draft', object: 'draft:{value}', relation: 'owner' } }] },
	{ name: 'own', action: 'ALLOW', services: ['orders'], rules: [
		{ to: [{ operation: { methods: ['GET'], paths: ['/orders/{id}'] } }], condition: "related('order:' + path.id, 'owner', 'user:' + user)" },
		{ to: [{ operation: { methods: ['GET'], paths: ['/orders/drafts/{id}'] } }], condition: "related('draft:' + path.id, 'owner', 'user:' + user)" }] },
];

// In the demo service's place: it answers what the request's header says it should.
const answering = (t, stack) => new Promise((resolve) => {
	let n = 0;
	const server = http.createServer((req, res) => {
		req.resume();
		n++;
		const told = req.headers['x-answer'] ? JSON.parse(req.headers['x-answer']) : { status: 201, headers: { location: `${req.url}/${n}` } };
		res.writeHead(req.method === 'POST' ? told.status ?? 201 : 200, req.method === 'POST' ? told.headers : {});
		res.end();
	});
	server.keepAliveTimeout = 60000;
	t.after(() => { server.close(); server.closeAllConnections(); });
	const [host, port] = stack.service.split(':');
	server.listen(Number(port), host, () => resolve(server));
});

async function up(t) {
	const stack = await Stack.up(t, { name: 'learn', policy: { ...policySet(issuerEntry({ jwks: jwksOf(key) }), policies), types }, settings: { spop: { workers: 2 } } });
	await stack.demo.stop();
	await answering(t, stack);
	await eventually('HAProxy to see the service', async () => (await stack.get('/orders/0', bearer(await mint(key, claims('nobody'))))).status === 403);
	stack.as = async (sub) => bearer(await mint(key, claims(sub)));
	stack.relations = async () => (await stack.cli(['relation', 'list', '--data', stack.dataDir])).stdout.split('\n').filter(Boolean);
	stack.counted = async (name) => Number((await request(`http://${stack.admin}/metrics`)).text.match(new RegExp(`^haward_relations_${name}_total (\\d+)$`, 'm'))?.[1]);
	stack.post = async (who, path, answer) => request(`${stack.url}${path}`, { method: 'POST', headers: { ...await stack.as(who), ...(answer && { 'x-answer': JSON.stringify(answer) }) } });
	return stack;
}

test('who created an order may read it at once, and nobody else; it is an act in the book', async (t) => {
	const stack = await up(t);
	const created = await stack.post('anne', '/orders', { headers: { location: 'https://api.example/orders/2025-17?view=full#top' } });
	assert.equal(created.status, 201);
	assert.equal((await stack.get('/orders/2025-17', await stack.as('anne'))).status, 200);
	assert.equal((await stack.get('/orders/2025-17', await stack.as('bob'))).status, 403);
	assert.deepEqual(await stack.relations(), ['order:2025-17#owner@user:anne']);

	assert.equal((await stack.post('bob', '/orders/drafts', { status: 200, headers: { 'X-Draft': 'd-1' } })).status, 200);
	assert.equal((await stack.get('/orders/drafts/d-1', await stack.as('bob'))).status, 200);
	assert.equal((await stack.get('/orders/drafts/d-1', await stack.as('anne'))).status, 403);

	const act = await eventually('the act to be in the book', async () => (await stack.book()).find((r) => JSON.stringify(r).includes('relation.learn') && JSON.stringify(r).includes('order:2025-17#owner@user:anne')));
	const text = JSON.stringify(act);
	assert.match(text, /create-orders/);
	assert.ok(text.includes(created.headers['haward-event']), 'it names the event that it follows from');
	assert.equal(await stack.counted('learned'), 2);
});

test('of 60 created at once each is its creator\'s when the answer comes', async (t) => {
	const stack = await up(t);
	const agent = keepAlive(20);
	t.after(() => agent.destroy());
	const people = await Promise.all(['u1', 'u2', 'u3'].map((u) => stack.as(u)));
	const results = await Promise.all(Array.from({ length: 60 }, async (_, i) => {
		const headers = people[i % 3];
		const created = await request(`${stack.url}/orders`, { method: 'POST', headers, agent });
		const own = await request(`${stack.url}${created.headers.location}`, { headers, agent });
		const other = await request(`${stack.url}${created.headers.location}`, { headers: people[(i + 1) % 3], agent });
		return `${created.status} ${own.status} ${other.status}`;
	}));
	assert.deepEqual([...new Set(results)], ['201 200 403']);
	assert.equal((await stack.relations()).length, 60);
	assert.equal(await stack.counted('not_learned'), 0);
});

test('what teaches nothing: another status, and answers that do not name one object', async (t) => {
	const stack = await up(t);
	for (const answer of [{ status: 500, headers: { location: '/orders/1' } }, { status: 302, headers: { location: '/orders/1' } }, { status: 404, headers: {} }])
		assert.equal((await stack.post('anne', '/orders', answer)).status, answer.status);
	assert.equal(await stack.counted('not_learned'), 0, 'nothing was to be learned');
	const wrong = [{}, { location: '' }, { location: '/orders' }, { location: '/orders/1/2' }, { location: '/invoices/1' }, { location: '/orders/..%2f1' }, { location: '/orders/*' },
		{ location: `/orders/${'x'.repeat(300)}` }, { location: '/orders/a%23owner' }, { location: ['/orders/1', '/orders/2'] }];
	for (const headers of wrong) assert.equal((await stack.post('anne', '/orders', { headers })).status, 201, 'the answer itself goes through');
	assert.deepEqual(await stack.relations(), []);
	assert.equal(await stack.counted('not_learned'), wrong.length);
	assert.match(stack.haward.output(), /relation_not_learned event=[0-9A-Z]{26} cause="/);
	// a name that is no name of a subject is nobody's
	assert.equal((await stack.post('anne#x', '/orders', { headers: { location: '/orders/9' } })).status, 201);
	assert.deepEqual(await stack.relations(), []);
});
