// AuthZEN: a decision point over HTTP, for those who are not HAProxy. The policies, relations and the book are the same.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { claims, ISSUER, jwksOf, makeKey } from './support/issuer.mjs';
import { request } from './support/http.mjs';
import { issuerEntry, policySet } from './support/policies.mjs';
import { Stack } from './support/stack.mjs';
import { eventually } from './support/wait.mjs';

const types = { user: {}, order: { owner: { types: ['user'] }, viewer: { types: ['user'], rewrite: { union: [{ this: true }, { computed: 'owner' }] } } } };
const policies = [
	{ name: 'read', action: 'ALLOW', services: ['orders'], rules: [{ from: [{ source: { requestPrincipals: [`${ISSUER}/*`] } }], to: [{ operation: { methods: ['GET'], paths: ['/orders/{id}'] } }], condition: "'orders:read' in scopes" }] },
	{ name: 'mesh', action: 'ALLOW', services: ['orders'], rules: [{ from: [{ source: { principals: ['td.example/ns/web/sa/frontend'] } }], to: [{ operation: { methods: ['POST'], paths: ['/orders'] } }] }] },
	{ name: 'office', action: 'ALLOW', services: ['orders'], rules: [{ from: [{ source: { remoteIpBlocks: ['192.0.2.0/24'] } }], to: [{ operation: { methods: ['HEAD'] } }], when: [{ key: 'request.headers[x-team]', values: ['blue'] }] }] },
];

let stack, key;
before(async () => {
	stack = await Stack.up(null, { name: 'authzen', policy: { ...policySet(issuerEntry({ jwks: jwksOf(await makeKey('RS256', 'k-1')) }), policies), types } });
	await stack.signIn();
	key = (await stack.api.expect(201, 'POST', '/api/v1/api-keys', { body: { owner: 'pep', scopes: ['authzen'] } })).json().key;
	await stack.api.expect(200, 'POST', '/api/v1/relations', { body: { relations: ['order:17#owner@user:anne'] } });
});
after(() => stack?.down());

const post = (endpoint, body, headers = {}) => request(`http://${stack.admin}/access/v1/${endpoint}`, {
	method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body) });
const ask = async (body, headers) => {
	const found = await post('evaluation', body, headers);
	assert.equal(found.status, 200, found.text);
	return found.json();
};
const reader = (scope = 'orders:read') => ({ type: 'user', id: 'anne', properties: { ...claims('anne'), scope } });
const get = { name: 'GET' };
const route = (properties, id = 'r') => ({ type: 'route', id, properties });

test('a request that is described is decided as HAProxy would be answered, and is in the book', async () => {
	const rows = [
		[{ subject: reader(), action: get, resource: route({ hostname: 'shop', path: '/orders/17' }) }, true],
		[{ subject: reader(), action: { name: 'get' }, resource: route({ uri: 'https://shop/orders/17?a=b' }) }, true],
		[{ subject: reader(), action: get, resource: route(undefined, '/orders/17') }, true],
		[{ subject: reader(), action: get, resource: route(undefined, 'https://shop/orders/17') }, true],
		[{ subject: reader(), action: { name: 'can_read', properties: { method: 'GET' } }, resource: route({ path: '/orders/17' }) }, true],
		[{ subject: reader('orders:list'), action: get, resource: route({ path: '/orders/17' }) }, false],
		[{ subject: reader(), action: { name: 'DELETE' }, resource: route({ path: '/orders/17' }) }, false],
		[{ subject: reader(), action: get, resource: route({ path: '/orders/../admin' }) }, false],
		[{ subject: reader(), action: get, resource: route({ path: '/elsewhere' }) }, false],
		[{ subject: reader(), action: get, resource: route({ path: 17 }) }, false],
		[{ subject: { type: 'user', id: 'anne' }, action: get, resource: route({ path: '/orders/17' }) }, false],
		[{ subject: { type: 'workload', id: 'spiffe://td.example/ns/web/sa/frontend' }, action: { name: 'POST' }, resource: route({ path: '/orders' }) }, true],
		[{ subject: { type: 'workload', id: 'spiffe://td.example/ns/web/sa/other' }, action: { name: 'POST' }, resource: route({ path: '/orders' }) }, false],
		[{ subject: { type: 'workload', id: 'frontend' }, action: { name: 'POST' }, resource: route({ path: '/orders' }) }, false],
		[{ subject: { type: 'user', id: 'x' }, action: { name: 'HEAD' }, resource: route({ path: '/orders', ip: '192.0.2.7' }), context: { headers: { 'x-team': 'blue' } } }, true],
		[{ subject: { type: 'user', id: 'x' }, action: { name: 'HEAD' }, resource: route({ path: '/orders', ip: '198.51.100.7' }), context: { headers: { 'x-team': 'blue' } } }, false],
	];
	for (const [body, decision] of rows) {
		const found = await ask(body);
		assert.equal(found.decision, decision, JSON.stringify([body, found]));
		assert.match(found.context.event, /^[0-9A-Z]{26}$/);
	}
	const first = await ask(rows[0][0]);
	assert.equal(first.context.policy, 'read');
	const event = await stack.event(first.context.event, { outcome: false });
	assert.equal(event.verdict, 'allow');
	assert.equal(event.user, 'anne');
});

test('what is a question about relations is asked of them', async () => {
	const may = async (id, name, order) => (await ask({ subject: { type: 'user', id }, action: { name }, resource: { type: 'order', id: order } })).decision;
	assert.equal(await may('anne', 'viewer', '17'), true);
	assert.equal(await may('anne', 'owner', '17'), true);
	assert.equal(await may('bob', 'viewer', '17'), false);
	assert.equal(await may('anne', 'viewer', '18'), false);
	assert.equal(await may('anne#owner', 'viewer', '17'), false);
	assert.equal(await may('anne', 'viewer', '*'), false);
	assert.equal(await may('anne', 'nothing', '17'), false, 'no relation: a request without a path');
	const denied = await ask({ subject: { type: 'user', id: 'bob' }, action: { name: 'viewer' }, resource: { type: 'order', id: '17' } });
	assert.equal(denied.context.why[0].value, 'order:17#viewer@user:bob');
	await eventually('it to be in the book', async () => JSON.stringify(await stack.book()).includes('order:17#viewer@user:bob'));
});

test('several at once: defaults, and each way to end early', async () => {
	const many = async (semantic, orders) => {
		const found = await post('evaluations', { subject: { type: 'user', id: 'anne' }, action: { name: 'viewer' },
			evaluations: orders.map((id) => ({ resource: { type: 'order', id } })), ...(semantic && { options: { evaluations_semantic: semantic } }) });
		assert.equal(found.status, 200, found.text);
		return found.json().evaluations.map((e) => e.decision);
	};
	assert.deepEqual(await many(undefined, ['17', '18', '17']), [true, false, true]);
	assert.deepEqual(await many('execute_all', ['18', '17']), [false, true]);
	assert.deepEqual(await many('deny_on_first_deny', ['17', '18', '17']), [true, false]);
	assert.deepEqual(await many('permit_on_first_permit', ['18', '17', '18']), [false, true]);
	const own = (await post('evaluations', { subject: { type: 'user', id: 'bob' }, action: { name: 'viewer' }, resource: { type: 'order', id: '17' },
		evaluations: [{}, { subject: { type: 'user', id: 'anne' } }] })).json();
	assert.deepEqual(own.evaluations.map((e) => e.decision), [false, true]);
	const single = { subject: { type: 'user', id: 'anne' }, action: { name: 'viewer' }, resource: { type: 'order', id: '17' } };
	assert.equal((await post('evaluations', { ...single, evaluations: [] })).json().decision, true, 'as one evaluation');
	assert.equal((await post('evaluations', single)).json().decision, true);
});

test('bad input, and who may not ask', async () => {
	const good = { subject: { type: 'user', id: 'anne' }, action: { name: 'viewer' }, resource: { type: 'order', id: '17' } };
	const bad = [{}, { ...good, subject: undefined }, { ...good, subject: { type: 'user' } }, { ...good, subject: { type: 'user', id: 7 } }, { ...good, action: {} }, { ...good, action: 'viewer' },
		{ ...good, resource: { id: '17' } }, { ...good, resource: { type: 'order', id: '' } }, { ...good, context: 7 }, { ...good, subject: { ...good.subject, properties: [] } }, { ...good, extra: 1 }, '[]', '{'];
	for (const body of bad) assert.equal((await post('evaluation', body)).status, 400, JSON.stringify(body));
	assert.match((await post('evaluation', { ...good, subject: { type: 'user' } })).json().detail, /^\/subject\/id: /);
	for (const body of [{ ...good, evaluations: {} }, { ...good, evaluations: [7] }, { ...good, evaluations: [{ subject: { type: 'user' } }] }, { ...good, evaluations: [{}], options: { evaluations_semantic: 'first' } }, { ...good, evaluations: [{}], options: 7 },
		{ ...good, evaluations: Array(1001).fill({}) }]) assert.equal((await post('evaluations', body)).status, 400, JSON.stringify(body).slice(0, 200));

	const status = async (authorization) => (await post('evaluation', good, { authorization })).status;
	const plain = (await stack.api.expect(201, 'POST', '/api/v1/api-keys', { body: { owner: 'x', scopes: ['orders:read'] } })).json().key;
	const bound = (await stack.api.expect(201, 'POST', '/api/v1/api-keys', { body: { owner: 'x', scopes: ['authzen'], networks: ['192.0.2.0/24'] } })).json().key;
	assert.equal(await status(''), 401);
	assert.equal(await status('Basic eDp5'), 401);
	assert.equal(await status(`Bearer ${key.slice(0, -1)}0`), 401);
	assert.equal(await status(`Bearer ${plain}`), 403);
	assert.equal(await status(`Bearer ${bound}`), 401);
	const named = await post('evaluation', good, { 'x-request-id': 'bfe9eb29-ab87-4ca3-be83-a1d5d8305716' });
	assert.equal(named.headers['x-request-id'], 'bfe9eb29-ab87-4ca3-be83-a1d5d8305716');
	assert.equal((await post('evaluation', {}, { 'x-request-id': 'r-1' })).headers['x-request-id'], 'r-1');

	const metadata = (await request(`http://${stack.admin}/.well-known/authzen-configuration`)).json();
	assert.equal(metadata.access_evaluation_endpoint, `http://${stack.admin}/access/v1/evaluation`);
	assert.equal(metadata.access_evaluations_endpoint, `http://${stack.admin}/access/v1/evaluations`);
	await stack.api.expect(200, 'POST', '/api/v1/api-keys/revocations', { body: { id: key.slice(3, 19) } });
	assert.equal(await status(`Bearer ${key}`), 401);
});
