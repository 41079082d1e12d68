// Signing in as people do, in Chromium, at a real provider: two tabs, a refresh, and out everywhere at once.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { launch, newPage } from './support/browser.mjs';
import { request } from './support/http.mjs';
import { loginPolicy, page as pageHeaders } from './support/login.mjs';
import { freePorts } from './support/ports.mjs';
import { run } from './support/proc.mjs';
import { startProvider } from './support/provider.mjs';
import { Stack } from './support/stack.mjs';
import { eventually, sleep } from './support/wait.mjs';
import { examples, haward, tempDir } from './support/where.mjs';

let stack, provider, browser;

before(async () => {
	stack = await Stack.up(null, {
		name: 'login-browser', example: 'oidc-login', settings: { spop: { workers: 2 } },
		policy: async (s) => {
			provider = await startProvider({ app: s.url, ttl: { AccessToken: 40 } });
			return loginPolicy(s, provider);
		},
	});
	browser = await launch();
});

after(async () => {
	await browser?.close();
	await stack?.down();
	await provider?.stop();
});

async function signIn(tab, user) {
	await tab.getByPlaceholder('Enter any login').fill(user);
	await tab.getByPlaceholder('and password').fill('any');
	await tab.getByRole('button', { name: 'Sign-in' }).click();
	await tab.getByRole('button', { name: 'Continue' }).click();
}

const shown = async (tab) => JSON.parse(await tab.locator('body').innerText());

test('two tabs at once, each gets where it wanted to go; a script, a refresh, and out everywhere', async () => {
	const one = await newPage(browser);
	const two = await one.context().newPage();
	// both are on their way before either is back
	await one.goto(`${stack.url}/orders/1?tab=one`);
	await two.goto(`${stack.url}/orders/2?tab=two`);
	assert.ok(one.url().startsWith(provider.issuer) && two.url().startsWith(provider.issuer));
	const waiting = (await one.context().cookies(stack.url)).filter((cookie) => cookie.name.startsWith('haward-login-'));
	assert.equal(waiting.length, 2);
	await signIn(one, 'alice');
	await one.waitForURL(`${stack.url}/orders/1?tab=one`);
	assert.equal((await shown(one)).identity['x-haward-user'], 'alice');
	await two.goto(`${stack.url}/orders/2?tab=two`);
	assert.equal((await shown(two)).url, '/orders/2?tab=two');
	const cookies = await one.context().cookies(stack.url);
	const session = cookies.find((cookie) => cookie.name === 'haward');
	assert.deepEqual([session.httpOnly, session.sameSite], [true, 'Lax']);
	// a script of the page: the cookie is not for it, its requests are known all the same
	assert.equal(await one.evaluate(() => document.cookie.includes('haward=')), false);
	assert.equal(await one.evaluate(() => fetch('/orders/3').then((r) => r.status)), 200);
	// what the service gets of it
	const seen = await one.evaluate(() => fetch('/orders/3').then((r) => r.json()));
	assert.equal(seen.identity['x-haward-user'], 'alice');

	// out: here, and at the provider, whose page asks
	await two.bringToFront();
	await one.evaluate(() => { const a = document.createElement('a'); a.href = '/.haward/logout'; a.textContent = 'out'; document.body.append(a); });
	await one.getByText('out').click();
	await one.getByRole('button', { name: 'Yes, sign me out' }).click();
	await one.waitForURL(`${stack.url}/`);
	assert.equal(await two.evaluate(() => fetch('/orders/3').then((r) => r.status)), 401, 'the other tab is out as well');
	await two.goto(`${stack.url}/orders/2`);
	assert.ok(two.url().startsWith(provider.issuer), 'and has to sign in again');
	await one.context().close();
});

test('out at the provider: every browser of the session is out within a second', async () => {
	const tab = await newPage(browser);
	await tab.goto(`${stack.url}/orders/1`);
	await signIn(tab, 'bob');
	await tab.waitForURL(`${stack.url}/orders/1`);
	const cookie = (await tab.context().cookies(stack.url)).find((one) => one.name === 'haward');
	const elsewhere = () => request(`${stack.url}/orders/1`, { headers: { accept: 'application/json', cookie: `haward=${cookie.value}` } });
	for (let i = 0; i < 8; i++) assert.equal((await elsewhere()).status, 200);
	await tab.goto(`${provider.issuer}/session/end`);
	const told = eventually('the provider to have told', () => provider.state.backchannel.includes('bob'), { ms: 5000, every: 5 }).then(() => Date.now());
	await tab.getByRole('button', { name: 'Yes, sign me out' }).click();
	const at = await told;
	await eventually('being out', async () => {
		for (let i = 0; i < 8; i++) if ((await elsewhere()).status !== 401) return false;
		return true;
	}, { ms: 1000, every: 20 });
	assert.ok(Date.now() - at < 1000);
	await tab.context().close();
});

test('out by a frame of the provider: the session of that sid ends, and no other page may show the answer', async () => {
	const sids = [];
	provider.state.sid = (sid) => sids.push(sid);
	const tab = await newPage(browser);
	await tab.goto(`${stack.url}/orders/1`);
	await signIn(tab, 'frida');
	await tab.waitForURL(`${stack.url}/orders/1`);
	provider.state.sid = null;
	const address = `${stack.url}/.haward/frontchannel-logout?${new URLSearchParams({ iss: provider.issuer, sid: sids.at(-1) })}`;
	const isIn = () => tab.evaluate(() => fetch('/orders/3').then((r) => r.status));
	const frame = (src) => `<!doctype html><title>signing out</title><iframe src="${src.replaceAll('&', '&amp;')}"></iframe>`;
	// a frame of the provider with a strange sid ends nothing
	provider.state.pages.set('/out-other', frame(`${address}x`));
	provider.state.pages.set('/out', frame(address));
	const out = await tab.context().newPage();
	const answered = (url) => out.waitForResponse((r) => r.url().startsWith(url));
	let [answer] = await Promise.all([answered(`${address}x`), out.goto(`${provider.issuer}/out-other`)]);
	assert.equal(answer.status(), 200);
	assert.equal(await isIn(), 200);
	[answer] = await Promise.all([answered(address), out.goto(`${provider.issuer}/out`)]);
	assert.equal(answer.status(), 200);
	assert.equal(await isIn(), 401);
	await eventually('the frame to be shown', () => out.frames().some((one) => one.url() === address), { ms: 5000 });
	// another origin gets no more of it than that
	const [port] = await freePorts(1);
	const evil = http.createServer((req, res) => res.writeHead(200, { 'content-type': 'text/html' }).end(frame(address)));
	await new Promise((resolve) => { evil.listen(port, '127.0.0.1', resolve); });
	const strange = await newPage(browser);
	await strange.goto(`http://127.0.0.1:${port}/`);
	await eventually('the browser to refuse the frame', () => strange.problems.some((one) => /frame-ancestors/.test(one)), { ms: 5000 });
	await strange.context().close();
	await new Promise((resolve) => { evil.close(resolve); evil.closeAllConnections(); });
	await tab.context().close();
});

test('tokens are refreshed while a session is used, once however many tabs, and a refusal ends it', async () => {
	const session = async (user) => {
		const tab = await newPage(browser);
		await tab.goto(`${stack.url}/orders/1`);
		await signIn(tab, user);
		await tab.waitForURL(`${stack.url}/orders/1`);
		const { value } = (await tab.context().cookies(stack.url)).find((one) => one.name === 'haward');
		await tab.context().close();
		const ask = () => request(`${stack.url}/orders/1`, { headers: { accept: 'application/json', cookie: `haward=${value}` } });
		return async () => (await Promise.all(Array.from({ length: 20 }, ask))).map((one) => one.status);
	};
	const all = (statuses, wanted) => statuses.every((status) => status === wanted);
	const [carol, dave, erin] = [await session('carol'), await session('dave'), await session('erin')];
	const asked = () => provider.state.tokenRequests.length;
	const before = asked();
	await sleep(33000); // access tokens live 40 s, and are changed after four fifths of it
	assert.ok(all(await carol(), 200));
	await eventually('a refresh', () => asked() > before, { ms: 5000, every: 50 });
	for (let i = 0; i < 3; i++) {
		assert.ok(all(await carol(), 200));
		await sleep(500);
	}
	assert.equal(asked(), before + 1, 'a refresh token is used once');
	// an answer that is none changes nothing
	provider.state.fail = (req, res) => res.writeHead(500).end();
	assert.ok(all(await dave(), 200));
	await eventually('a failed refresh', () => asked() > before + 1, { ms: 5000, every: 50 });
	await sleep(6000);
	assert.ok(all(await dave(), 200));
	// a refusal ends the session, and no other
	provider.state.fail = (req, res) => res.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_grant"}');
	assert.ok(all(await erin(), 200));
	await eventually('the end', async () => all(await erin(), 401), { ms: 5000, every: 50 });
	provider.state.fail = null;
	assert.ok(all(await carol(), 200));
	assert.ok(all(await dave(), 200));
});

test('run.sh --check proves itself at a provider', async (t) => {
	const [edge, spop, accounting, service, admin] = (await freePorts(5)).map((port) => `127.0.0.1:${port}`);
	const dir = tempDir(t, 'oidc-run');
	const secret = path.join(dir, 'secret');
	fs.writeFileSync(secret, 'a secret / of the client');
	const env = {
		HAWARD_BIN: haward, HAWARD_EDGE: edge, HAWARD_SPOP: spop, HAWARD_ACCOUNTING: accounting, HAWARD_SERVICE: service, HAWARD_ADMIN: admin,
		TMPDIR: dir, OIDC_ISSUER: provider.issuer, OIDC_CLIENT_ID: 'orders-web', OIDC_CLIENT_SECRET_FILE: secret,
	};
	const script = path.join(examples, 'oidc-login/run.sh');
	const found = await run(script, ['--check'], { env, timeout: 120000 });
	assert.equal(found.code, 0, found.stdout + found.stderr);
	assert.match(found.stdout, /a page: HTTP 302[^]*All as promised\./);
	const lost = await run(script, ['--check'], { env: { ...env, OIDC_ISSUER: '' } });
	assert.equal(lost.code, 2);
	assert.match(lost.stderr, /OIDC_ISSUER/);
	assert.deepEqual(fs.readdirSync(dir), ['secret'], 'nothing is left');
	assert.ok(pageHeaders.accept.includes('text/html'));
});
