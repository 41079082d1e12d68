// A person in front of the dashboard: the setup link, decisions and one of them, policies with a
// mistake and without, the system page; light and dark, wide and narrow, with axe watching.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { accessibility, launch, newPage, overflow, shoot } from './support/browser.mjs';
import { csvRecords } from './support/csv.mjs';
import { bearer } from './support/http.mjs';
import { claims, jwksOf, makeKey, mint } from './support/issuer.mjs';
import { issuerEntry, policySet, readOrders } from './support/policies.mjs';
import { Stack } from './support/stack.mjs';
import { eventually } from './support/wait.mjs';

const PASSWORD = 'correct horse battery';
let stack, browser, page, token, origin;

before(async () => {
	const key = await makeKey();
	stack = await Stack.up(null, { name: 'browser', policy: policySet(issuerEntry({ jwks: jwksOf(key) }), [readOrders()]) });
	origin = `http://${stack.admin}`;
	token = await mint(key);
	const bob = await mint(key, claims('bob'));
	for (let i = 0; i < 12; i++) {
		await stack.get(`/orders/${i}`, bearer(i % 2 ? token : bob), { method: i % 3 ? 'GET' : 'DELETE' });
		if (i % 4 === 0) await stack.get(`/orders/${i}`);
	}
	// What a hostile client sends must be shown, and stay text.
	const last = await stack.get('/orders/x?q=%3Cscript%3E', { ...bearer(token), 'user-agent': '<img src=x onerror=alert(1)>' });
	await stack.event(last.headers['haward-event']);
	browser = await launch();
	page = await newPage(browser);
});
after(async () => {
	await browser?.close();
	await stack?.down();
});

const heading = (name) => page.getByRole('heading', { name, level: 1 }).waitFor();

test('without a session the dashboard asks for one', async () => {
	const stranger = await newPage(browser);
	await stranger.goto(`${origin}/policies`);
	await stranger.getByText('Nobody can sign in yet').waitFor();
	assert.deepEqual(await accessibility(stranger), []);
	assert.deepEqual(stranger.problems, []);
	await stranger.context().close();
});

test('the setup link makes the first account and signs in', async () => {
	await page.goto(stack.setupLink());
	await page.getByLabel('Account').fill('root');
	await page.getByLabel('Password', { exact: false }).first().fill(PASSWORD);
	await page.getByLabel('Password again').fill(PASSWORD);
	assert.deepEqual(await accessibility(page), []);
	await shoot(page, 'setup-1280-light');
	await page.getByRole('button', { name: 'Make the account' }).click();
	await heading('Decisions');
	assert.ok(!page.url().includes('token'), 'the token is gone from the address');
});

test('decisions: rows, a filter, and the same rows as CSV', async () => {
	await page.goto(`${origin}/decisions`);
	await page.getByRole('row').nth(5).waitFor();
	await page.getByRole('searchbox').fill('verdict:deny user:bob');
	await page.keyboard.press('Enter');
	await page.waitForURL(/q=verdict/);
	await eventually('filtered rows', async () => {
		const texts = await page.getByRole('row').allInnerTexts();
		return texts.length > 1 && texts.slice(1).every((t) => /bob/.test(t) && /deny|denied/i.test(t));
	});
	const shownRows = (await page.getByRole('row').count()) - 1;
	const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'CSV' }).click()]);
	const records = csvRecords(fs.readFileSync(await download.path(), 'utf8'));
	assert.equal(records.length, shownRows);
	assert.ok(records.every((r) => r.user === 'bob' && r.verdict === 'deny'));

	await page.getByRole('searchbox').fill('verdict:perhaps');
	await page.keyboard.press('Enter');
	await page.getByRole('alert').waitFor();
	await page.getByRole('searchbox').fill('user:nobody-at-all');
	await page.keyboard.press('Enter');
	await page.getByText('No decision matches').waitFor();
});

test('one decision explains itself, by keyboard and as a page of its own', async () => {
	await page.goto(`${origin}/decisions?q=${encodeURIComponent('path:/orders/x')}`);
	const link = page.getByRole('row').nth(1).getByRole('link').first();
	await link.focus();
	await page.keyboard.press('Enter');
	const drawer = page.getByRole('dialog');
	await drawer.waitFor();
	const text = await drawer.innerText();
	for (const part of ['alice', 'read-orders', '/orders/x', '<img src=x onerror=alert(1)>']) assert.ok(text.includes(part), `${part} in: ${text}`);
	assert.equal(await page.locator('img[src=x]').count(), 0, 'a user agent stays text');
	assert.deepEqual(await accessibility(page), []);
	await page.keyboard.press('Escape');
	await drawer.waitFor({ state: 'detached' });
	const [event] = await stack.book('path:/orders/x');
	await page.goto(`${origin}/decisions/${event.id}`);
	await page.getByText(event.id).first().waitFor();
});

test('policies: a mistake is shown at its place, a good change is published and in force', async () => {
	await page.goto(`${origin}/policies`);
	await heading(/Polic/);
	const source = page.getByRole('tab', { name: 'Source' }).or(page.getByRole('button', { name: 'Source' })).or(page.getByRole('link', { name: 'Source' }));
	if (await source.count()) await source.first().click();
	const editor = page.locator('.editor .cm-content');
	await editor.waitFor();
	const before = await stack.api.signIn('root', PASSWORD).then(() => stack.api.policySet());
	const write = async (text) => {
		await editor.click();
		await page.keyboard.press('Control+A');
		await page.keyboard.press('Delete');
		await page.keyboard.insertText(text);
	};
	await write(before.text.replace('"methods"', '"metods"'));
	await page.getByRole('button', { name: 'Validate' }).click();
	const alert = page.getByRole('alert').filter({ hasText: 'metods' });
	await alert.waitFor();
	const line = before.text.split('\n').findIndex((l) => l.includes('"methods"')) + 1;
	assert.match(await alert.innerText(), new RegExp(`line ${line}\\b`));
	await shoot(page, 'policies-error-1280-light');
	assert.equal((await stack.api.policySet()).version, before.version);

	await write(before.text.replace('"GET"', '"PATCH"'));
	await page.getByRole('button', { name: 'Publish' }).click();
	const dialog = page.getByRole('dialog');
	await dialog.getByRole('textbox').fill('only PATCH from now on');
	await dialog.getByRole('button', { name: 'Publish', exact: true }).click();
	await page.getByText('Published.').waitFor();
	await eventually('the new policy in force', async () => (await stack.get('/orders/1', bearer(token))).status === 403, { ms: 2000 });
	assert.equal(Number((await stack.api.policySet()).version), Number(before.version) + 1);
	const history = page.getByRole('tab', { name: 'History' }).or(page.getByRole('button', { name: 'History' })).or(page.getByRole('link', { name: 'History' }));
	if (await history.count()) {
		await history.first().click();
		await page.getByText('only PATCH from now on').waitFor();
	}
});

test('every page: light and dark, 1280 and 390 wide, nothing for axe to say, nothing to scroll sideways', async () => {
	const [event] = await stack.book('verdict:deny');
	const state = await page.context().storageState();
	const pages = { decisions: '/decisions', decision: `/decisions/${event.id}`, policies: '/policies', activity: '/activity', admins: '/admins', system: '/system' };
	for (const dark of [false, true]) {
		for (const width of [1280, 390]) {
			const view = await newPage(browser, { width, dark, storageState: state });
			for (const [name, path] of Object.entries(pages)) {
				await view.goto(`${origin}${path}`);
				await view.getByRole('heading', { level: 1 }).first().waitFor();
				await view.waitForLoadState('networkidle');
				await shoot(view, `${name}-${width}-${dark ? 'dark' : 'light'}`);
				assert.deepEqual(await accessibility(view), [], `${name} ${width} ${dark}`);
				assert.ok((await overflow(view)) <= 1, `${name} at ${width} is ${await overflow(view)} px too wide`);
			}
			assert.deepEqual(view.problems, []);
			await view.context().close();
		}
	}
});

test('signing out ends the session, here and at the server', async () => {
	await page.goto(`${origin}/system`);
	await heading('System');
	await page.getByRole('button', { name: 'Sign out' }).click();
	await page.getByRole('heading', { name: 'Sign in' }).waitFor();
	await page.goto(`${origin}/decisions`);
	await page.getByRole('heading', { name: 'Sign in' }).waitFor();
	await page.getByLabel('Account').fill('root');
	await page.getByLabel('Password').fill('wrong wrong wrong');
	await page.getByRole('button', { name: 'Sign in' }).click();
	await page.getByRole('alert').waitFor();
	await page.getByLabel('Password').fill(PASSWORD);
	await page.getByRole('button', { name: 'Sign in' }).click();
	await heading('Decisions');
	assert.deepEqual(page.problems, []);
});
