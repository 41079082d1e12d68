// Who is signed in with a browser: listed, and ended by somebody else, with the API and in the dashboard; in force in every
// worker, and in the book.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isClean, launch, newPage, shoot, signInAt } from './support/browser.mjs';
import { Jar, loginPolicy } from './support/login.mjs';
import { startProvider } from './support/provider.mjs';
import { Stack } from './support/stack.mjs';

const WORKERS = 3;
let provider, stack;

before(async () => {
	stack = await Stack.up(null, {
		name: 'sessions', example: 'oidc-login', settings: { spop: { workers: WORKERS } },
		policy: async (s) => {
			provider = await startProvider({ app: s.url });
			const set = loginPolicy(s, provider);
			set.issuers[0].claims = { user: 'email' };
			return set;
		},
	});
	await stack.signIn();
});

after(async () => {
	await stack?.down();
	await provider?.stop();
});

async function signedIn(user) {
	const jar = new Jar();
	assert.equal((await jar.signIn(`${stack.url}/orders/17`, user)).status, 302);
	// known to every worker before anybody ends it
	assert.deepEqual(await statuses(jar), [200]);
	return jar;
}

const statuses = async (jar) => [...new Set((await Promise.all(Array.from({ length: 4 * WORKERS }, () => jar.get(`${stack.url}/orders/17`)))).map((r) => r.status))];
const listed = async (q) => (await stack.api.get('/api/v1/sessions', q ? { q } : {})).items;

test('sessions are listed without what opens them, found by user, and paged', async () => {
	const jars = [await signedIn('alice'), await signedIn('alice'), await signedIn('bob')];
	const all = await listed();
	assert.equal(all.length, 3);
	const text = JSON.stringify(all);
	for (const jar of jars) assert.ok(!text.includes(jar.cookies.get('haward')), 'no cookie');
	assert.doesNotMatch(text, /eyJ|token/, 'no token');
	const [hers] = await listed('ALICE@');
	assert.deepEqual([hers.login, hers.user, hers.subject, hers.issuer], ['web', 'alice@example.com', 'alice', provider.issuer]);
	const times = [hers.created_at, hers.used_at, hers.idle_ends_at, hers.ends_at].map(Date.parse);
	assert.ok(Math.abs(times[0] - Date.now()) < 60000 && times[1] >= times[0]);
	assert.ok(Math.abs(times[2] - times[1] - 1800000) < 2000, 'idleSeconds');
	assert.equal(times[3] - times[0], 43200000, 'lifetimeSeconds');
	assert.ok(Date.parse(hers.refreshes_at) > times[0]);
	assert.deepEqual((await listed('alice')).map((one) => one.subject), ['alice', 'alice']);
	assert.deepEqual(await listed('nobody'), []);
	const ids = [];
	let cursor;
	do {
		const page = await stack.api.get('/api/v1/sessions', { limit: 1, ...(cursor && { cursor }) });
		ids.push(...page.items.map((one) => one.id));
		assert.equal(page.exhausted, page.next_cursor === null);
		cursor = page.next_cursor;
	} while (cursor);
	assert.deepEqual(ids, all.map((one) => one.id));
	await stack.api.expect(400, 'GET', '/api/v1/sessions', { query: { cursor: 'x' } });
});

test('one is ended: over at once in every worker, the others go on, and it is an act', async () => {
	const [carla, dora] = [await signedIn('carla'), await signedIn('dora')];
	const [{ id }] = await listed('carla');
	await stack.api.expect(204, 'DELETE', `/api/v1/sessions/${id}`);
	assert.deepEqual(await statuses(carla), [302]);
	assert.deepEqual(await statuses(dora), [200]);
	assert.deepEqual(await listed('carla'), []);
	for (const none of [id, 'x', 'f'.repeat(64)]) await stack.api.expect(404, 'DELETE', `/api/v1/sessions/${none}`);
	const acts = (await stack.book()).filter((row) => row.action === 'session.end');
	assert.deepEqual(acts.map((row) => [row.actor, row.target, row.after]), [['root', 'carla@example.com', `${id.slice(0, 16)}: web of ${provider.issuer}`]]);
});

test('all of a subject are ended; of another issuer none', async () => {
	const jars = [await signedIn('erik'), await signedIn('erik')];
	const other = await signedIn('frida');
	const end = (body, status = 200) => stack.api.expect(status, 'POST', '/api/v1/sessions/terminations', { body });
	assert.deepEqual((await end({ issuer: 'https://elsewhere.example', subject: 'erik' })).json(), { ended: 0 });
	assert.deepEqual((await end({ issuer: provider.issuer, subject: 'erik' })).json(), { ended: 2 });
	for (const jar of jars) assert.deepEqual(await statuses(jar), [302]);
	assert.deepEqual(await statuses(other), [200]);
	await end({ issuer: provider.issuer, subject: '' }, 422);
	await end({ subject: 'erik' }, 400);
});

test('auditors look, admins act, viewers do neither', async () => {
	const { api } = stack;
	const [{ id }] = await listed('frida');
	for (const [username, roles, look] of [['vera', ['viewer'], 403], ['olga', ['auditor'], 200]]) {
		await api.expect(201, 'POST', '/api/v1/admins', { body: { username, password: 'a quiet river bend', roles } });
		await api.signIn(username, 'a quiet river bend');
		await api.expect(look, 'GET', '/api/v1/sessions');
		await api.expect(403, 'DELETE', `/api/v1/sessions/${id}`);
		await api.expect(403, 'POST', '/api/v1/sessions/terminations', { body: { issuer: provider.issuer, subject: 'frida' } });
		await api.signIn('root', 'correct horse battery');
	}
});

test('the page: searched, ended, ended everywhere; light and dark, wide and narrow', async (t) => {
	const jars = [await signedIn('gina'), await signedIn('gina'), await signedIn('hugo')];
	const browser = await launch();
	t.after(() => browser.close());
	const page = await newPage(browser);
	await signInAt(page, stack, '/sessions');
	await page.getByRole('heading', { level: 1, name: 'Sessions' }).waitFor();
	await page.getByRole('cell', { name: /^hugo@example.com/ }).waitFor();
	await isClean(page, 'all');
	await shoot(page, 'sessions-light-1280');
	await page.getByRole('searchbox').fill('gina');
	await page.getByRole('cell', { name: /^hugo@example.com/ }).waitFor({ state: 'detached' });
	assert.equal(await page.getByRole('cell', { name: /^gina@example.com/ }).count(), 2);
	await page.setViewportSize({ width: 390, height: 844 });
	await page.emulateMedia({ colorScheme: 'dark' });
	await isClean(page, 'narrow and dark');
	await shoot(page, 'sessions-dark-390');
	await page.getByRole('button', { name: 'End this session of gina@example.com' }).first().click();
	await isClean(page, 'the question');
	await shoot(page, 'sessions-end-dark-390');
	await page.getByRole('button', { name: 'End the session' }).click();
	await page.getByRole('dialog').waitFor({ state: 'detached' });
	await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1);
	await page.getByRole('button', { name: 'End all sessions of gina@example.com' }).click();
	await page.getByRole('button', { name: 'End all of them' }).click();
	await page.getByText('No session has this in it').waitFor();
	assert.deepEqual(await statuses(jars[0]), [302]);
	assert.deepEqual(await statuses(jars[1]), [302]);
	assert.deepEqual(await statuses(jars[2]), [200]);
});
