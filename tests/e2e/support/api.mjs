// The admin API as a script would use it: the setup link once, then a session with its CSRF token.
// Every JSON answer is held against schema/openapi.json.
import fs from 'node:fs';
import path from 'node:path';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { request } from './http.mjs';
import { root } from './where.mjs';

const document = JSON.parse(fs.readFileSync(path.join(root, 'schema/openapi.json'), 'utf8'));
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats(ajv);
ajv.addSchema({ $id: 'https://haward.example/openapi.json', components: document.components });
const judges = new Map();

function schemaOf(operation, status) {
	let answer = operation.responses[status] ?? operation.responses[String(status)];
	if (answer?.$ref) answer = document.components.responses[answer.$ref.split('/').pop()];
	const content = answer?.content ?? {};
	return { answer, schema: (content['application/json'] ?? content['application/problem+json'])?.schema };
}

function operationOf(method, pathname) {
	for (const [template, operations] of Object.entries(document.paths)) {
		const pattern = new RegExp(`^${template.replace(/[.]/g, '\\.').replace(/\{[^}]+\}/g, '[^/]+')}$`);
		if (pattern.test(pathname) && operations[method.toLowerCase()]) return operations[method.toLowerCase()];
	}
	return null;
}

export function holdAgainstSchema(method, pathname, answer) {
	const operation = operationOf(method, pathname);
	if (!operation) throw new Error(`${method} ${pathname} is not in the API document`);
	const { answer: known, schema } = schemaOf(operation, answer.status);
	if (!known) throw new Error(`${method} ${pathname} answered ${answer.status}, which the API document does not know: ${answer.text.slice(0, 300)}`);
	if (!schema || !/json/.test(answer.headers['content-type'] ?? '') || /ndjson/.test(answer.headers['content-type'])) return;
	const key = JSON.stringify(schema);
	if (!judges.has(key)) judges.set(key, ajv.compile(JSON.parse(key.replaceAll('"#/components/', '"https://haward.example/openapi.json#/components/'))));
	const judge = judges.get(key);
	if (!judge(answer.json())) throw new Error(`${method} ${pathname} ${answer.status}: ${ajv.errorsText(judge.errors)}\n${answer.text.slice(0, 600)}`);
}

export function tokenOfSetupLink(link) {
	const url = new URL(link);
	const params = new URLSearchParams(url.hash.replace(/^#\/?(setup\??)?/, ''));
	return url.searchParams.get('token') ?? params.get('token') ?? (url.hash ? url.hash.slice(1) : url.pathname.split('/').pop());
}

export class Api {
	constructor(address) {
		this.origin = `http://${address}`;
		this.cookie = null;
		this.csrf = null;
	}

	async call(method, pathname, { body, headers = {}, query = {}, check = true, timeout = 15000 } = {}) {
		const search = new URLSearchParams(query).toString();
		const sent = { accept: 'application/json', ...headers };
		if (this.cookie) sent.cookie = this.cookie;
		if (this.csrf && method !== 'GET') sent['x-csrf'] = this.csrf;
		if (method !== 'GET') sent.origin = this.origin;
		let bytes;
		if (body !== undefined) {
			bytes = typeof body === 'string' ? body : JSON.stringify(body);
			sent['content-type'] ??= 'application/json';
			sent['content-length'] = Buffer.byteLength(bytes);
		}
		const answer = await request(`${this.origin}${pathname}${search ? `?${search}` : ''}`, { method, headers: sent, body: bytes, timeout });
		if (check) holdAgainstSchema(method, pathname, answer);
		return answer;
	}

	async expect(status, method, pathname, options) {
		const answer = await this.call(method, pathname, options);
		if (answer.status !== status) throw new Error(`${method} ${pathname}: ${answer.status} instead of ${status}: ${answer.text.slice(0, 500)}`);
		return answer;
	}

	get = (pathname, query) => this.expect(200, 'GET', pathname, { query }).then((a) => a.json());

	#signedIn(answer) {
		this.cookie = answer.headers['set-cookie'][0].split(';')[0];
		this.csrf = answer.json().csrf;
		return answer.json();
	}

	async setup(link, username = 'root', password = 'correct horse battery') {
		return this.#signedIn(await this.expect(201, 'POST', '/api/v1/setup', { body: { token: tokenOfSetupLink(link), username, password } }));
	}

	async signIn(username = 'root', password = 'correct horse battery') {
		return this.#signedIn(await this.expect(201, 'POST', '/api/v1/session', { body: { username, password } }));
	}

	async decisions(q = '', { order = 'asc', limit = 1000 } = {}) {
		const items = [];
		let cursor;
		do {
			const page = await this.get('/api/v1/decisions', { q, order, limit, ...(cursor ? { cursor } : {}) });
			items.push(...page.items);
			if (page.exhausted) return items;
			cursor = page.next_cursor;
		} while (cursor);
		throw new Error('a page that is neither the last nor leads to the next');
	}

	policySet = () => this.get('/api/v1/policy-set');

	async publish(policy, message = 'test') {
		const { etag } = await this.policySet();
		return (await this.expect(201, 'POST', '/api/v1/policy-set/versions', {
			headers: { 'if-match': etag },
			body: { text: typeof policy === 'string' ? policy : JSON.stringify(policy, null, 2), message },
		})).json();
	}
}
