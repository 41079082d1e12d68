// The dashboard as a person uses it: the one-time link, decisions and one decision, policies edited,
// refused and published, history, accounts, activity, system; by mouse, by keyboard, narrow and dark.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessibility, launch, newPage, overflow, shoot } from './support/browser.mjs';
import { bearer } from './support/http.mjs';
import { jwksOf, makeKey, mint } from './support/issuer.mjs';
import { issuerEntry, policySet, readOrders } from './support/policies.mjs';
import { Stack } from './support/stack.mjs';
import { eventually } from './support/wait.mjs';

let stack, key, browser, page, state;

before(async () => {
	key = await makeKey('RS256', 'first');
	stack = await Stack.up(null, {
		name: 'dashboard',
		policy: policySet(issuerEntry({ jwks: jwksOf(key) })),
	});
	browser = await launch();
	page = await newPage(browser);
});

after(async () => {
	await browser?.close();
	await stack?.down();
});

const home = (path = '/') => `http://${stack.admin}${path}`;
const heading = (name) => page.getByRole('heading', { level: 1, name }).waitFor();

async function isClean(what) {
	assert.deepEqual(page.problems, [], `${what}: console and content security policy`);
	assert.deepEqual(await accessibility(page), [], `${what}: accessibility`);
	assert.equal(await overflow(page), 0, `${what}: nothing is wider than the window`);
}

test('the one-time link makes the first account and signs in', async () => {
	const link = await eventually('the setup link', () => stack.setupLink());
	await page.goto(link);
	await page.getByLabel('Account').fill('root');
	await page.getByLabel('Password', { exact: false }).first().fill('correct horse battery');
	await page.getByLabel('Password again').fill('correct horse battery');
	await isClean('setup');
	await page.getByRole('button', { name: 'Make the account' }).click();
	await heading('Decisions');
	await page.locator('tbody tr').first().waitFor(); // the agent's own start is in the book
	assert.ok(!page.url().includes('#'), 'the token is not left in the address');
	await isClean('first decisions');
	state = await page.context().storageState();
});

test('decisions are listed, filtered, opened and explained', async () => {
	const alice = await mint(key);
	assert.equal((await stack.get('/orders/17', bearer(alice))).status, 200);
	assert.equal((await stack.get('/orders/17', bearer(alice), { method: 'DELETE' })).status, 403);
	assert.equal((await stack.get('/orders/17')).status, 401);
	assert.equal((await stack.get('/orders/%3Cscript%3Ealert(1)', bearer(alice))).status, 200);
	await page.goto(home('/decisions'));
	await eventually('four rows', async () => {
		await page.getByRole('button', { name: 'Refresh' }).click();
		return (await page.locator('tbody tr').count()) >= 4;
	});
	await isClean('decisions');
	await shoot(page, 'decisions-light-1280');
	await page.getByRole('button', { name: 'deny', exact: true }).click();
	await eventually('only denials', async () => {
		const shown = await page.locator('tbody .verdict').allInnerTexts();
		return shown.length > 0 && shown.every((text) => /deny/.test(text));
	});
	assert.match(page.url(), /q=verdict%3Adeny/);
	await page.locator('tbody tr').filter({ hasText: 'DELETE' }).first().click();
	const drawer = page.getByRole('dialog', { name: 'Decision' });
	await drawer.getByText('no_policy_matched').first().waitFor();
	await drawer.getByText('methods').first().waitFor();
	await isClean('a decision');
	await shoot(page, 'decision-light-1280');
	await page.keyboard.press('Escape');
	await drawer.waitFor({ state: 'detached' });
});

test('a query that cannot be read says where', async () => {
	await page.goto(home('/decisions'));
	await page.getByRole('searchbox').fill('verdict:maybe');
	await page.keyboard.press('Enter');
	await page.getByRole('alert').getByText('column').waitFor();
});

test('the keyboard is enough: search, rows, open, close, pages', async () => {
	await page.goto(home('/decisions'));
	await page.locator('tbody tr').first().waitFor();
	await page.keyboard.press('/');
	assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('type')), 'search');
	await page.locator('tbody tr a').first().focus();
	await page.keyboard.press('j');
	assert.equal(await page.evaluate(() => [...document.querySelectorAll('tbody tr')].findIndex((row) => row.contains(document.activeElement))), 1);
	await page.keyboard.press('Enter');
	await page.getByRole('dialog').waitFor();
	await page.keyboard.press('Escape');
	await page.keyboard.press('g');
	await page.keyboard.press('p');
	await heading('Policies');
	await page.keyboard.press('?');
	await page.getByRole('dialog', { name: 'Keys' }).waitFor();
	await page.keyboard.press('Escape');
});

// The editor is in a shadow root; what is typed replaces everything.
async function write(text) {
	const content = page.locator('.cm-content');
	await content.click();
	await page.keyboard.press('Control+a');
	await page.keyboard.insertText(text);
}

test('a policy set with an error is refused at its place; a good one is in force at once', async () => {
	await page.goto(home('/policies?tab=source'));
	await page.locator('.cm-content').waitFor();
	const set = policySet(issuerEntry({ jwks: jwksOf(key) }), [readOrders({ methods: ['GET', 'DELETE'] })]);
	await write(JSON.stringify(set, null, 2).replace('"action"', '"actoin"'));
	await page.getByRole('button', { name: 'Validate' }).click();
	await page.getByRole('alert').getByText("did you mean 'action'").waitFor();
	await page.getByRole('alert').getByRole('button', { name: /line \d+, column \d+/ }).first().click();
	await isClean('errors');
	await shoot(page, 'policies-light-1280');
	await write(JSON.stringify(set, null, 2));
	await page.getByRole('button', { name: 'Publish' }).click();
	await page.getByLabel('What changes, and why').fill('Orders may be deleted');
	await page.getByRole('dialog').getByRole('button', { name: 'Publish', exact: true }).click();
	await page.getByText('Published. Every worker judges by it now.').waitFor();
	assert.equal((await stack.get('/orders/17', bearer(await mint(key)), { method: 'DELETE' })).status, 200);
	await page.getByRole('button', { name: 'History' }).click();
	await page.getByText('Orders may be deleted').waitFor();
	await isClean('history');
	await page.getByRole('button', { name: 'Policies', exact: true }).click();
	await page.getByText('read-orders').waitFor();
	await isClean('policy list');
});

test('Try answers about an imagined request', async () => {
	await page.goto(home('/policies?tab=try'));
	await page.getByLabel('Path').fill('/orders/9');
	await page.getByRole('button', { name: 'Try', exact: true }).last().click();
	await page.getByText('authentication_required').waitFor();
	await isClean('try');
});

test('accounts, activity and system', async () => {
	await page.goto(home('/admins'));
	await heading('Accounts');
	await page.getByRole('button', { name: /New account/ }).click();
	await page.getByRole('textbox', { name: 'Account' }).fill('vera');
	await page.getByLabel('Password').fill('a viewer may look only');
	await isClean('new account');
	await page.getByRole('button', { name: 'Make the account' }).click();
	await page.getByText('vera').first().waitFor();
	await page.goto(home('/activity'));
	await page.getByText('ok').first().waitFor();
	await isClean('activity');
	await page.goto(home('/system'));
	await page.getByText('Verdicts since start').waitFor();
	await isClean('system');
	await shoot(page, 'system-light-1280');
});

for (const [name, options] of Object.entries({
	'light-390': { width: 390, height: 844 },
	'dark-390': { width: 390, height: 844, dark: true },
	'dark-1280': { width: 1280, dark: true },
	'light-320': { width: 320, height: 640 },
})) {
	test(`every page holds at ${name}`, async () => {
		await page.context().close();
		page = await newPage(browser, { ...options, storageState: state });
		for (const [path, title] of [['/decisions', 'Decisions'], ['/policies', 'Policies'], ['/policies?tab=source', 'Policies'], ['/system', 'System']]) {
			await page.goto(home(path));
			await heading(title);
			await page.locator(path.includes('source') ? '.cm-content' : path === '/system' ? '.card' : 'tbody tr').first().waitFor();
			await isClean(path);
			await shoot(page, `${path.slice(1).replace(/\W+/g, '-')}-${name}`);
		}
		await page.goto(home('/decisions'));
		await page.locator('tbody tr').first().click();
		await page.getByRole('dialog').waitFor();
		await isClean('a decision');
		await shoot(page, `decision-${name}`);
	});
}

test('signing out ends the session; a wrong password is told without saying which part', async () => {
	await page.goto(home('/decisions'));
	await page.getByRole('button', { name: 'Sign out' }).click();
	await page.getByLabel('Account').fill('root');
	await page.getByLabel('Password').fill('not the password at all');
	await page.getByRole('button', { name: 'Sign in' }).click();
	await page.getByRole('alert').waitFor();
	await isClean('sign in');
	await shoot(page, 'sign-in-light-320');
	await page.goto(home('/decisions'));
	await page.getByRole('button', { name: 'Sign in' }).waitFor();
});
