// The dashboard as a person uses it: the one-time link, decisions and one decision, policies edited,
// refused and published, history, accounts, activity, system; by mouse, by keyboard, narrow and dark.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { accessibility, launch, newPage, overflow, shoot } from './support/browser.mjs';
import { parseCsv } from './support/csv.mjs';
import { bearer } from './support/http.mjs';
import { jwksOf, makeKey, mint } from './support/issuer.mjs';
import { issuerEntry, policySet, readOrders } from './support/policies.mjs';
import { Stack } from './support/stack.mjs';
import { eventually } from './support/wait.mjs';
import { root } from './support/where.mjs';

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
	await stack.api.signIn();
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
	assert.match(page.url(), /open=[0-9A-Z]{26}/, 'the drawer has an address');
	await page.reload();
	await drawer.getByText('no_policy_matched').first().waitFor();
	await page.keyboard.press('Escape');
	await drawer.waitFor({ state: 'detached' });
	await page.waitForURL((url) => !url.searchParams.has('open')); // a moment after the dialog has closed
});

const focused = () => page.evaluate(() => document.activeElement?.id || document.activeElement?.tagName);

test('a drawer closes by Esc, Back and its button, and gives the focus back to its row', async () => {
	await page.goto(home('/decisions'));
	const row = page.locator('tbody tr a').nth(2);
	const id = await row.getAttribute('id');
	for (const close of [() => page.keyboard.press('Escape'), () => page.goBack(), () => page.getByRole('button', { name: 'Close' }).click()]) {
		await row.click();
		await page.getByRole('dialog').waitFor();
		await close();
		await page.getByRole('dialog').waitFor({ state: 'detached' });
		await page.waitForURL((url) => url.search === ''); // a moment after the dialog has closed
		await eventually('the focus on its row', async () => (await focused()) === id);
	}
	await row.click();
	await page.keyboard.press('j');
	await eventually('the next one', async () => !page.url().includes(id.slice(4)));
	await page.getByRole('link', { name: 'Open as a page' }).click();
	await heading('Decision');
	assert.match(page.url(), /\/decisions\/[0-9A-Z]{26}$/);
	await isClean('a decision of its own');
});

test('filters by form, chip, link and range all write the same text', async () => {
	await page.goto(home('/decisions'));
	await page.getByText('Add a filter').click();
	await page.getByLabel('Field').selectOption('method');
	await page.getByLabel('Value').fill('DELETE');
	await isClean('add a filter');
	await page.getByRole('button', { name: 'Add', exact: true }).click();
	await eventually('only DELETE', async () => (await page.locator('tbody .subject strong').allInnerTexts()).every((m) => m === 'DELETE'));
	assert.equal(await page.getByRole('searchbox').inputValue(), 'method:DELETE');
	await page.locator('tbody tr').first().click();
	await page.getByRole('dialog').getByRole('link', { name: 'alice', exact: true }).click();
	await page.getByRole('dialog').waitFor({ state: 'detached' });
	assert.equal(await page.getByRole('searchbox').inputValue(), 'method:DELETE user:alice');
	await page.getByRole('button', { name: 'Remove method:DELETE' }).click();
	assert.equal(await page.getByRole('searchbox').inputValue(), 'user:alice');
	await page.getByLabel('Time range').selectOption('exact');
	const [from, to] = [page.getByLabel('from', { exact: true }), page.getByLabel('to, not included')];
	await from.fill('2026-02-30');
	await from.press('Enter');
	await page.getByText('There is no such time in UTC').waitFor();
	await from.fill('2001-01-01');
	await from.press('Enter');
	await to.fill('2001-01-02 03:04:05');
	await to.press('Enter');
	await page.getByRole('heading', { name: 'No decision matches' }).waitFor();
	await page.getByText('from 2001-01-01 00:00:00 to before 2001-01-02 03:04:05 UTC').waitFor();
	assert.match(page.url(), /from=2001-01-01T00%3A00%3A00.000Z&to=2001-01-02T03%3A04%3A05.000Z/);
	await isClean('nothing found');
	await shoot(page, 'decisions-none-light-1280');
	await page.getByRole('link', { name: 'The same filter over all time' }).click();
	await page.locator('tbody tr').first().waitFor();
});

test('the CSV is the filter: every row of it, not only the page', async () => {
	await page.goto(home('/decisions?q=verdict:deny'));
	await page.locator('tbody tr').first().waitFor();
	const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Export CSV' }).click()]);
	assert.equal(await download.failure(), null);
	const [head, ...rows] = parseCsv(fs.readFileSync(await download.path(), 'utf8').replace(/^\ufeff/, ''));
	const listed = await stack.api.decisions('verdict:deny -kind:admin', { order: 'desc' });
	assert.deepEqual(rows.map((row) => row[head.indexOf('id')]), listed.map((d) => d.id));
	assert.deepEqual([...new Set(rows.map((row) => row[head.indexOf('verdict')]))], ['deny']);
});

test('the query language is the same in the browser and in the agent', async () => {
	const { good, bad } = JSON.parse(fs.readFileSync(path.join(root, 'tests/webui/filters.json'), 'utf8'));
	for (const { q } of good) await stack.api.expect(200, 'GET', '/api/v1/decisions', { query: { q } });
	for (const { q, column } of bad) {
		const answer = await stack.api.expect(400, 'GET', '/api/v1/decisions', { query: { q } });
		assert.equal(answer.json().errors[0].column, column, q);
	}
});

test('a query that cannot be read says where', async () => {
	await page.goto(home('/decisions'));
	await page.getByRole('searchbox').fill('verdict:maybe');
	await page.keyboard.press('Enter');
	await page.getByRole('alert').getByText('column 9').waitFor();
	assert.equal(await page.locator('[role=alert] mark').innerText(), 'maybe');
	await page.getByRole('searchbox').fill('path:"é" verdict:maybe');
	await page.keyboard.press('Enter');
	await page.getByRole('alert').getByText('column 18').waitFor(); // of characters; the agent counts bytes
	assert.equal(await page.locator('[role=alert] mark').innerText(), 'maybe');
	await isClean('a bad query');
	await shoot(page, 'decisions-error-light-1280');
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
	await page.getByRole('link', { name: 'History' }).click();
	await page.getByText('Orders may be deleted').waitFor();
	await isClean('history');
	await page.getByRole('button', { name: 'View version 1' }).click();
	const older = page.getByRole('dialog', { name: 'Version 1' });
	await older.getByText('"apiVersion"').waitFor();
	await older.getByRole('button', { name: 'Against the one in force' }).click();
	await older.getByText(/\d+ added/).waitFor();
	const changed = older.getByRole('region', { name: 'What changes' }).getByRole('listitem').filter({ hasText: 'read-orders' });
	await changed.getByText('grants more').waitFor();
	await changed.getByText('"DELETE"').waitFor();
	await isClean('an older version');
	await shoot(page, 'version-light-1280');
	await page.keyboard.press('Escape');
	await page.getByLabel('Views of the policy set').getByRole('link', { name: 'Policies' }).click();
	await page.getByText('read-orders', { exact: true }).waitFor();
	await isClean('policy list');
	await page.getByRole('link', { name: 'read-orders', exact: true }).click(); // to its place in the source
	await eventually('the editor there', () => page.evaluate(() => document.querySelector('.editor')?.shadowRoot?.querySelector('.cm-activeLine')?.textContent.trim() === '{'));
});

test('what is being written survives a reload, warns before it is lost, and can be saved as a draft', async () => {
	await page.goto(home('/policies?tab=source'));
	await page.locator('.cm-content').waitFor();
	const set = policySet(issuerEntry({ jwks: jwksOf(key) }), [readOrders({ name: 'being-written' })]);
	await write(JSON.stringify(set, null, 2));
	await page.getByText('changed here, not saved').waitFor();
	const asked = [];
	const answer = (dialog) => { asked.push(dialog.type()); void dialog.accept(); };
	page.on('dialog', answer);
	await page.reload();
	page.off('dialog', answer);
	assert.deepEqual(asked, ['beforeunload']);
	await page.getByText('changed here, not saved').waitFor();
	await page.locator('.cm-content').getByText('being-written').waitFor();
	await page.getByRole('button', { name: 'Sign out' }).click();
	await page.getByRole('dialog', { name: 'Sign out?' }).getByRole('button', { name: 'Stay' }).click();
	await page.getByRole('button', { name: 'Save draft' }).click();
	await page.getByText('The draft is saved').waitFor();
	assert.match((await stack.api.get('/api/v1/policy-set/draft')).text, /being-written/);
	await isClean('a saved draft');
	await page.getByLabel('Views of the policy set').getByRole('link', { name: 'Try' }).click();
	await page.getByLabel('Path').fill('/orders/9');
	await page.getByRole('button', { name: 'Try', exact: true }).last().click();
	await page.getByText('The draft says').waitFor();
	await page.goto(home('/policies?tab=source'));
	await page.getByText('Draft of root').waitFor();
	await page.getByRole('button', { name: /Delete draft/ }).click();
	await page.getByRole('dialog').getByRole('button', { name: 'Delete the draft' }).click();
	await page.getByText('The draft is deleted').waitFor();
});

test('somebody else publishes first: both are named, and their changes come together', async () => {
	const set = (extra, more = []) => ({ ...policySet(issuerEntry({ jwks: jwksOf(key) }), [readOrders({ methods: ['GET', 'DELETE'] }), ...more]), ...extra });
	await stack.api.publish(set({}));
	await page.goto(home('/policies?tab=source'));
	await page.locator('.cm-content').waitFor();
	const mine = set({}, [readOrders({ name: 'mine', methods: ['PUT'] })]);
	await write(JSON.stringify(mine, null, 2));
	const theirs = set({});
	theirs.services[0].name = 'orders';
	theirs.services.push({ name: 'theirs', paths: ['/theirs'] });
	await stack.api.publish(theirs, 'A service of theirs');
	await page.getByRole('button', { name: /Publish/ }).click();
	const dialog = page.getByRole('dialog', { name: /Publish as version/ });
	await dialog.getByLabel('What changes, and why').fill('A policy of mine');
	await isClean('publish');
	await shoot(page, 'publish-light-1280');
	await dialog.getByRole('button', { name: 'Publish', exact: true }).click();
	await page.getByText('A service of theirs').waitFor();
	assert.ok(await page.getByRole('button', { name: /Publish/ }).isDisabled(), 'nothing is overwritten unseen');
	await isClean('a conflict');
	await shoot(page, 'conflict-light-1280');
	await page.getByRole('button', { name: 'Merge both' }).click();
	await page.getByRole('button', { name: /Publish/ }).click();
	await page.getByLabel('What changes, and why').fill('Both');
	await page.getByRole('dialog').getByRole('button', { name: 'Publish', exact: true }).click();
	await page.getByText('Published. Every worker judges by it now.').waitFor();
	const merged = JSON.parse((await stack.api.policySet()).text);
	assert.deepEqual(merged.services.map((s) => s.name), ['orders', 'theirs']);
	assert.deepEqual(merged.policies.map((p) => p.name), ['read-orders', 'mine']);
});

test('a recorded request goes to Try with what was recorded', async () => {
	await page.goto(home('/decisions?q=method:DELETE+verdict:deny'));
	await page.locator('tbody tr').first().click();
	await page.getByRole('link', { name: 'Try this request' }).click();
	assert.equal(await page.getByLabel('Method').inputValue(), 'DELETE');
	assert.match(await page.getByLabel('Claims of a verified token').inputValue(), /"sub": "alice"/);
	assert.ok(!/alice/.test(page.url()), 'nobody is named in the address');
	await page.getByRole('button', { name: 'Try', exact: true }).last().click();
	await page.locator('.answers .verdict').first().waitFor();
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
	await page.getByRole('button', { name: 'Change vera' }).click();
	await page.getByRole('checkbox', { name: /^auditor/ }).check();
	await page.getByRole('button', { name: 'Save' }).click();
	await page.getByRole('cell', { name: /viewer, auditor|auditor, viewer/ }).waitFor();
	await page.getByRole('button', { name: 'Disable vera' }).click();
	await page.getByText('disabled').waitFor();
	await isClean('accounts');
	await page.getByRole('button', { name: 'Remove vera' }).click();
	await page.getByRole('button', { name: 'Remove the account' }).click();
	await page.getByRole('dialog').waitFor({ state: 'detached' });
	await page.getByRole('button', { name: 'Change vera' }).waitFor({ state: 'detached' });
	assert.deepEqual((await stack.api.get('/api/v1/admins')).items.map((a) => a.username), ['root']);
	await page.goto(home('/activity'));
	await page.getByText('ok').first().waitFor();
	await isClean('activity');
	await page.goto(home('/system'));
	await page.getByText('Verdicts since start').waitFor();
	await isClean('system');
	const notices = await fetch(new URL(await page.getByRole('link', { name: 'licences and notices' }).getAttribute('href'), page.url()));
	assert.match(notices.headers.get('content-type'), /^text\/plain/);
	assert.match(await notices.text(), /preact [\d.]+, MIT[\s\S]+Permission is hereby granted/);
	await shoot(page, 'system-light-1280');
});

for (const [name, options] of Object.entries({
	'light-390': { width: 390, height: 844 },
	'dark-390': { width: 390, height: 844, dark: true },
	'dark-1280': { width: 1280, dark: true },
	'light-768': { width: 768, height: 1024 },
	'light-320': { width: 320, height: 640 },
	'contrast-1280': { width: 1280, forcedColors: 'active' },
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

test('times are those of the zone that is named, wherever the browser is', async () => {
	for (const [timezoneId, sign] of [['America/New_York', -5], ['Asia/Kolkata', 5.5]]) {
		await page.context().close();
		page = await newPage(browser, { timezoneId, storageState: state });
		await page.goto(home('/decisions'));
		const cell = page.locator('tbody time').first();
		await cell.waitFor();
		const iso = await cell.getAttribute('datetime');
		const written = (ms) => new Date(ms).toISOString().slice(0, 23).replace('T', ' ');
		assert.equal(await cell.innerText(), written(Date.parse(iso)), 'UTC unless asked');
		await page.getByRole('button', { name: /^Times are shown in UTC/ }).click();
		assert.equal(await page.locator(`tbody time[datetime="${iso}"]`).innerText(), written(Date.parse(iso) + sign * 3600000));
		await page.getByRole('columnheader', { name: timezoneId === 'Asia/Kolkata' ? /Calcutta|Kolkata/ : timezoneId }).waitFor();
		await isClean(timezoneId);
	}
});

test('an agent that cannot be reached is said, and what was shown stays', async () => {
	await page.goto(home('/decisions'));
	await page.locator('tbody tr').first().waitFor();
	await page.route('**/api/v1/**', (route) => route.abort());
	await page.getByRole('button', { name: 'Refresh' }).click();
	await page.getByRole('alert').getByText('cannot be reached').waitFor();
	assert.ok(await page.locator('tbody tr').count() > 0);
	page.problems.length = 0; // the browser's own words about it
	await page.unroute('**/api/v1/**');
	await page.getByRole('button', { name: 'Refresh' }).click();
	await page.getByRole('alert').waitFor({ state: 'detached' });
});

test('a session that ended is said, and what was being written is there again afterwards', async () => {
	await page.goto(home('/policies?tab=source'));
	await page.locator('.cm-content').waitFor();
	await write('{ "not": "finished" }');
	await page.getByText('changed here, not saved').waitFor();
	await page.context().clearCookies();
	await page.getByRole('button', { name: 'Validate' }).click();
	await page.getByText('Your session has ended').waitFor();
	await isClean('session ended');
	await page.getByLabel('Account').fill('root');
	await page.getByLabel('Password').fill('correct horse battery');
	await page.getByRole('button', { name: 'Sign in' }).click();
	await page.locator('.cm-content').getByText('finished').waitFor();
	await page.getByRole('button', { name: 'Discard changes' }).click();
	await page.getByText('changed here').waitFor({ state: 'detached' });
	state = await page.context().storageState();
});

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
