// The shipped HAProxy configurations, without Haward: an agent of our own answers anything at all,
// and whatever is not a clear yes must be refused. Also: what HAProxy really puts into the question.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { request } from './support/http.mjs';
import { startObserver, setVars } from './support/observer.mjs';
import { freePorts } from './support/ports.mjs';
import { run, start } from './support/proc.mjs';
import { eventually, sleep } from './support/wait.mjs';
import { examples, haproxy, out, tempDir } from './support/where.mjs';

const YES = { verdict: 'allow', allow: true, status: 200, event: '01KB3Q7Z0V9M6H4D5T8W2X1Y3Z', user: 'alice' };

async function edge(t, example, answer) {
	const [port, strict, accounting, service] = await freePorts(4);
	const holder = { answer, lines: [] };
	const agent = await startObserver((...args) => holder.answer(...args));
	const env = {
		HAWARD_EDGE: `127.0.0.1:${port}`, HAWARD_MTLS: `127.0.0.1:${port}`, HAWARD_MTLS_STRICT: `127.0.0.1:${strict}`, HAWARD_SPOP: agent.address,
		HAWARD_ACCOUNTING: `127.0.0.1:${accounting}`, HAWARD_SERVICE: `127.0.0.1:${service}`, HAWARD_SPOE_CFG: path.join(examples, example, 'spoe.cfg'),
	};
	if (example === 'mtls') {
		env.HAWARD_TLS_DIR = path.join(tempDir(t, 'tls'), 'tls');
		assert.equal((await run(path.join(examples, 'mtls/make-tls.sh'), [env.HAWARD_TLS_DIR])).code, 0);
	}
	const logs = path.join(out, 'logs', `examples-${example}`);
	fs.mkdirSync(logs, { recursive: true });
	const book = net.createServer((socket) => { socket.on('error', () => {}); socket.on('data', (part) => holder.lines.push(part.toString())); });
	await new Promise((resolve) => book.listen(accounting, '127.0.0.1', resolve));
	const demo = start('service', process.execPath, [path.join(examples, 'demo/service.mjs'), env.HAWARD_SERVICE], { log: path.join(logs, 'service.log') });
	const proxy = start('haproxy', haproxy, ['-db', '-f', path.join(examples, example, 'haproxy.cfg')], { log: path.join(logs, 'haproxy.log'), env });
	t.after(async () => {
		await proxy.stop();
		await demo.stop();
		await agent.stop();
		book.close();
	});
	await eventually('the demo service', () => request(`http://${env.HAWARD_SERVICE}/`));
	await eventually('HAProxy', () => new Promise((resolve, reject) => {
		const socket = net.connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); });
		socket.once('error', reject);
	}));
	return Object.assign(holder, { env, agent, proxy, url: `http://127.0.0.1:${port}`, tlsUrl: `https://127.0.0.1:${port}`, strictUrl: `https://127.0.0.1:${strict}` });
}

for (const example of ['quickstart', 'api-keys', 'oidc-login', 'mtls', 'basic']) {
	test(`${example}: haproxy -c is silent`, async (t) => {
		const env = { HAWARD_SPOE_CFG: path.join(examples, example, 'spoe.cfg') };
		if (example === 'mtls') {
			env.HAWARD_TLS_DIR = path.join(tempDir(t, 'tls'), 'tls');
			assert.equal((await run(path.join(examples, 'mtls/make-tls.sh'), [env.HAWARD_TLS_DIR])).code, 0);
		}
		const found = await run(haproxy, ['-c', '-f', path.join(examples, example, 'haproxy.cfg')], { env });
		assert.equal(found.code, 0, found.stderr);
		assert.doesNotMatch(found.stderr, /WARNING|ALERT/);
	});
}

test('only a clear yes passes', async (t) => {
	const it = await edge(t, 'quickstart', () => YES);
	const ask = (headers) => request(`${it.url}/orders/1`, { headers });
	await eventually('the first yes', async () => (await ask()).status === 200);

	const cases = [
		['no variable at all', () => ({ other: 1 }), 403],
		['allow is false', () => ({ ...YES, allow: false }), 403],
		['verdict says allow, allow is missing', () => ({ verdict: 'allow', status: 200 }), 403],
		['allow is the text "yes please"', () => ({ allow: 'yes please' }), 403],
		['allow is null', () => ({ allow: null, status: 200 }), 403],
		['deny', () => ({ allow: false, verdict: 'deny', status: 403, event: YES.event }), 403],
		['authenticate', () => ({ allow: false, status: 401, challenge: 'Bearer realm="x", error="invalid_token"' }), 401],
		['authenticate without a challenge', () => ({ allow: false, status: 401 }), 401],
		['bad request', () => ({ allow: false, status: 400 }), 400],
		['limit', () => ({ allow: false, status: 429, retry_after: 7 }), 429],
		['limit without a time', () => ({ allow: false, status: 429 }), 403],
		['redirect', () => ({ allow: false, status: 302, location: 'https://login.example/' }), 302],
		['redirect to nowhere', () => ({ allow: false, status: 302 }), 403],
		['unavailable', () => ({ allow: false, status: 503 }), 503],
		['a status nobody knows', () => ({ allow: false, status: 200 }), 403],
		['an action that HAProxy cannot read, before the yes', () => Buffer.concat([Buffer.from([77, 3, 2]), setVars(YES)]), [403, 503]],
		['silence', () => null, 503],
		['the connection is cut', (_, socket) => { socket.destroy(); return null; }, 503],
	];
	for (const [name, answer, status] of cases) {
		it.answer = () => YES;
		await eventually('the agent to be up again', async () => (await ask()).status === 200, { ms: 10000 });
		it.answer = answer;
		const found = await ask();
		assert.ok([status].flat().includes(found.status), `${name}: ${found.status} instead of ${status}`);
		if (found.status === 401) assert.match(found.headers['www-authenticate'], /^Bearer/);
		if (name === 'limit') assert.equal(found.headers['retry-after'], '7');
		if (name === 'deny') {
			assert.equal(found.headers['haward-event'], YES.event);
			assert.equal(found.json().instance, YES.event);
		}
	}
});

test('a yes does not outlast its request on the same connection', async (t) => {
	const it = await edge(t, 'quickstart', () => YES);
	const raw = await eventually('one connection, two requests', () => new Promise((resolve, reject) => {
		let n = 0;
		it.answer = () => (++n === 1 ? YES : { other: 1 });
		const socket = net.connect(new URL(it.url).port, '127.0.0.1', () => socket.write('GET /orders/1 HTTP/1.1\r\nHost: a\r\n\r\nGET /orders/2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'));
		let text = '';
		socket.on('data', (part) => { text += part; });
		socket.on('error', reject);
		socket.on('close', () => resolve(/^HTTP\/1.1 200/.test(text) ? text : null));
	}));
	assert.deepEqual([...raw.matchAll(/HTTP\/1.1 (\d+)/g)].map((m) => m[1]), ['200', '403']);
});

test('what the question holds', async (t) => {
	const it = await edge(t, 'quickstart', () => YES);
	await eventually('the first yes', async () => (await request(`${it.url}/`)).status === 200);
	it.agent.seen.length = 0;
	await request(`${it.url}/orders/a%2Fb?x=1&y=%20`, {
		method: 'PUT',
		headers: { authorization: ['Bearer one', 'Bearer two', 'Bearer three'], 'user-agent': 'walker, with comma', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', host: 'api.example:8080' },
	});
	assert.equal(it.agent.seen.length, 1);
	const [message] = it.agent.seen;
	assert.equal(message.name, 'haward-authorize');
	const one = (key) => { const all = message.all(key); assert.equal(all.length, 1, key); return all[0]; };
	assert.match(one('id'), /^[0-9a-f-]{36}$/);
	assert.equal(one('method'), 'PUT');
	assert.equal(one('path'), '/orders/a%2Fb');
	assert.equal(one('query'), 'x=1&y=%20');
	assert.equal(one('host'), 'api.example:8080');
	assert.equal(one('src'), '127.0.0.1');
	assert.ok(one('src_port') > 0);
	assert.equal(one('dst_port'), Number(new URL(it.url).port));
	assert.equal(one('tls'), false);
	assert.equal(one('sni'), null);
	assert.equal(one('user_agent'), 'walker, with comma');
	assert.equal(one('traceparent'), '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01');
	assert.deepEqual(message.all('authorization'), ['Bearer one', 'Bearer two'], 'a second credential is seen');

	it.agent.seen.length = 0;
	await request(`${it.url}/`, { headers: { authorization: 'Basic a, Bearer b' } });
	assert.deepEqual(it.agent.seen[0].all('authorization'), ['Basic a, Bearer b', null], 'a comma does not make two');
});

test('the service sees whom Haward named, and nothing the client made up', async (t) => {
	const it = await edge(t, 'quickstart', () => YES);
	await eventually('the first yes', async () => (await request(`${it.url}/`)).status === 200);
	const found = (await request(`${it.url}/orders/1`, {
		headers: { authorization: 'Bearer x', 'x-haward-user': 'root', 'X-HAWARD-groups': 'admins', 'x-auth-subject': 'root', 'x-haward-anything': '1' },
	})).json();
	assert.deepEqual(found.identity, { 'x-haward-user': 'alice' });
	assert.equal(found.authorization, false);

	const twins = (await request(`${it.url}/orders/1`, {
		headers: { X_Haward_User: 'root', 'x-haward_groups': 'admins', x_auth_subject: 'root', Remote_User: 'root' },
	})).json();
	assert.deepEqual(twins.identity, { 'x-haward-user': 'alice' }, 'a service that takes _ for - sees nothing either');

	it.answer = () => ({ ...YES, user: 'alice\r\nx-haward-groups: admins' });
	assert.equal((await request(`${it.url}/orders/1`)).status, 403, 'a line end in a claim');
});

// One request as bytes, and the status line of the answer.
const raw = (url, text) => new Promise((resolve, reject) => {
	const socket = net.connect(new URL(url).port, '127.0.0.1', () => socket.write(text));
	let answer = '';
	socket.setTimeout(5000, () => socket.destroy(new Error(`no answer to ${JSON.stringify(text)}`)));
	socket.on('data', (part) => { answer += part; if (answer.includes('\r\n')) socket.destroy(); });
	socket.on('error', reject);
	socket.on('close', () => resolve(Number(/^HTTP\/1\.\d (\d+)/.exec(answer)?.[1])));
});

test('requests of odd shapes: what is asked is what the service would get, or nothing is', async (t) => {
	const it = await edge(t, 'quickstart', () => YES);
	await eventually('the first yes', async () => (await request(`${it.url}/`)).status === 200);
	const rows = [
		// text, status, and what was asked of method, path and host
		['GET /a HTTP/1.0\r\n\r\n', 200, ['GET', '/a', null]],
		['GET http://shop.example/a HTTP/1.1\r\nHost: shop.example\r\n\r\n', 200, ['GET', '/a', 'shop.example']],
		['GET http://evil.example/a HTTP/1.1\r\nHost: shop.example\r\n\r\n', 400, null],
		['GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400, null],
		['GET /a HTTP/1.1\r\nHost: a, b\r\n\r\n', undefined, ['GET', '/a', 'a, b']],
		['get /a HTTP/1.1\r\nHost: a\r\n\r\n', undefined, ['get', '/a', 'a']],
		['GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n', 400, null],
		['GET /a HTTP/1.1\r\nHost: a\r\nConnection: x-haward-user\r\n\r\n', 400, null],
		['GET /a HTTP/1.1\r\nHost: a\r\nConnection: close, X_Haward_User\r\n\r\n', 400, null],
		['GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400, null],
	];
	for (const [text, status, asked] of rows) {
		it.agent.seen.length = 0;
		const found = await raw(it.url, text);
		// HAProxy 3.2 ends a connection with two lengths without a word
		if (status) assert.ok(found === status || (status === 400 && Number.isNaN(found)), `${text}: ${found}`);
		const seen = it.agent.seen.map((m) => ['method', 'path', 'host'].map((key) => m.all(key)[0]));
		// HAProxy 3, or the service, refuses some of them itself.
		if (status || found === 200) assert.deepEqual(seen, asked ? [asked] : [], text);
	}
	it.answer = () => ({ allow: false, status: 403 });
	for (const [text] of rows) assert.notEqual(await raw(it.url, text), 200, text);
});

test('a question that does not fit is refused', async (t) => {
	const it = await edge(t, 'quickstart', () => YES);
	await eventually('the first yes', async () => (await request(`${it.url}/`)).status === 200);
	const filler = 'a'.repeat(12000);
	const found = await request(`${it.url}/orders/1`, { headers: { authorization: [`Bearer ${filler}`, `Bearer ${filler}`], 'user-agent': filler.slice(0, 4000) } });
	assert.notEqual(found.status, 200);
});

test('the outcome line is JSON whatever the client sends', async (t) => {
	const it = await edge(t, 'quickstart', () => YES);
	await eventually('the first yes', async () => (await request(`${it.url}/`)).status === 200);
	await sleep(200);
	it.lines.length = 0;
	const quoted = await request(`${it.url}/orders/x`, { headers: { host: 'a"b\\c' } });
	const passes = quoted.status === 200; // HAProxy 2.6 takes such a Host, 3.0 and later answer 400
	await request(`${it.url}/orders/${'%22'.repeat(2000)}`);
	await new Promise((resolve) => {
		const socket = net.connect(new URL(it.url).port, '127.0.0.1', () => socket.end('GET /quote"back\\slash HTTP/1.1\r\nHost: a\r\n\r\n'));
		socket.resume().on('close', resolve);
	});
	await new Promise((resolve) => {
		const socket = net.connect(new URL(it.url).port, '127.0.0.1', () => socket.end('BROKEN\r\n\r\n'));
		socket.resume().on('close', resolve);
	});
	const messages = await eventually('four outcome lines', () => {
		let rest = it.lines.join('');
		const found = [];
		for (let head; (head = /^(\d+) /.exec(rest)); rest = rest.slice(head[0].length + Number(head[1]))) {
			found.push(rest.slice(head[0].length, head[0].length + Number(head[1])));
		}
		return found.length >= 4 ? found : null;
	});
	const objects = messages.map((m) => {
		const found = /^<\d+>1 \S+ \S+ haproxy \d+ - - (\{.*\})\s*$/s.exec(m);
		assert.ok(found, m);
		return JSON.parse(found[1]);
	});
	for (const o of objects) {
		assert.deepEqual(Object.keys(o).sort(), ['backend', 'bytes_in', 'bytes_out', 'event', 'host', 'id', 'method', 'path', 'server', 'src', 'src_port', 'status', 'ta', 'tc', 'termination', 'tr', 'tresp', 'tt', 'tw'].sort());
	}
	assert.equal(objects.filter((o) => o.event === YES.event && o.status === 200).length, passes ? 3 : 2);
	assert.equal(objects.some((o) => o.host === 'a"b\\c'), passes);
	assert.ok(objects.some((o) => o.path === '/quote"back\\slash' || o.path === '/quote%22back\\slash' || o.path === '/quote%22back%5cslash'), JSON.stringify(objects.map((o) => o.path.slice(0, 40))));
	assert.ok(objects.some((o) => o.status === 400 && o.event === '-'));
});

test('mtls: the certificate and what HAProxy thinks of it', async (t) => {
	const it = await edge(t, 'mtls', () => ({ ...YES, workload: 'spiffe://example.org/ns/shop/sa/checkout' }));
	const pem = (name) => fs.readFileSync(path.join(it.env.HAWARD_TLS_DIR, name));
	const tls = (name) => ({ ca: pem('ca.crt'), servername: 'localhost', ...(name ? { cert: pem(`${name}.crt`), key: pem(`${name}.key`) } : {}) });
	await eventually('the first yes', async () => (await request(`${it.tlsUrl}/`, { tls: tls() })).status === 200);
	const question = async (name) => {
		it.agent.seen.length = 0;
		const found = await request(`${it.tlsUrl}/payments`, { tls: tls(name), headers: { 'x-haward-workload': 'spiffe://evil' } });
		assert.equal(found.json().identity['x-haward-workload'], 'spiffe://example.org/ns/shop/sa/checkout');
		const [message] = it.agent.seen;
		assert.deepEqual(message.all('service'), ['payments']);
		assert.deepEqual(message.all('tls'), [true]);
		assert.deepEqual(message.all('sni'), ['localhost']);
		return { cert: message.all('cert')[0], used: message.all('cert_used')[0], verify: message.all('cert_verify')[0] };
	};
	const good = await question('checkout');
	assert.ok(Buffer.isBuffer(good.cert) && good.cert.length > 300);
	assert.deepEqual([good.used, good.verify], [true, 0]);
	const none = await question();
	assert.deepEqual([none.cert, none.used, none.verify], [null, false, 0]);
	const intruder = await question('intruder');
	assert.ok(Buffer.isBuffer(intruder.cert));
	assert.notEqual(intruder.verify, 0);

	assert.equal((await request(`${it.strictUrl}/payments`, { tls: tls('checkout') })).status, 200);
	await assert.rejects(request(`${it.strictUrl}/payments`, { tls: tls() }));
	await assert.rejects(request(`${it.strictUrl}/payments`, { tls: tls('intruder') }));
});

test('oidc-login: what is not allowed never reaches the service, whatever else the agent says', async (t) => {
	const it = await edge(t, 'oidc-login', () => YES);
	const ask = (pathname = '/orders/1', options = {}) => request(`${it.url}${pathname}`, options);
	await eventually('the first yes', async () => (await ask()).status === 200);
	const cases = [
		['a 200 that is not allowed', { allow: false, status: 200 }, 200],
		['a way to the provider', { allow: false, status: 302, location: 'https://idp.example/auth?x=y', set_cookie: 'a=b; Path=/' }, 302],
		['302 without a way', { allow: false, status: 302 }, 403],
		['a cookie with a refusal', { allow: false, status: 400, set_cookie: 'a=; Max-Age=0', set_cookie_2: 'c=d' }, 400],
		['nothing', { other: 1 }, 403],
	];
	for (const [what, vars, status] of cases) {
		it.answer = () => vars;
		for (const pathname of ['/orders/1', '/.haward/callback', '/.haward/backchannel-logout']) {
			const answer = await ask(pathname);
			assert.equal(answer.status, status, `${what} ${pathname}`);
			assert.doesNotMatch(answer.text, /"service"/, what);
			assert.deepEqual(answer.headers['set-cookie'], [vars.set_cookie, vars.set_cookie_2].some(Boolean) ? [vars.set_cookie, vars.set_cookie_2].filter(Boolean) : undefined);
			assert.equal(answer.headers.location, status === 302 ? vars.location : undefined);
		}
	}
	it.answer = () => YES;
	const seen = (await ask('/orders/1', { headers: { cookie: 'a=b; haward=secret-of-the-session; c=d', 'x-haward-user': 'mallory' } })).json();
	assert.equal(seen.identity['x-haward-user'], 'alice');
	// the body goes with the back channel alone, and whole
	it.agent.seen.length = 0;
	await ask('/.haward/backchannel-logout', { method: 'POST', body: 'logout_token=abc', headers: { 'content-type': 'application/x-www-form-urlencoded' } });
	await ask('/orders/1', { method: 'POST', body: 'logout_token=abc' });
	const [own, other] = it.agent.seen;
	assert.deepEqual(own.all('body').map(String), ['logout_token=abc']);
	assert.deepEqual(other.all('body'), []);
});
