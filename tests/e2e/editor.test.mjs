// The editor of policy sets: what it completes, by the schema and by the names that conditions have, and where it marks what
// is wrong while somebody writes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessibility, launch, newPage, shoot, signInAt } from './support/browser.mjs';
import { request } from './support/http.mjs';
import { jwksOf, makeKey } from './support/issuer.mjs';
import { issuerEntry, policySet } from './support/policies.mjs';
import { Stack } from './support/stack.mjs';
import { eventually } from './support/wait.mjs';

let stack, browser, page;

before(async () => {
	const key = await makeKey();
	stack = await Stack.up(null, { name: 'editor', policy: policySet(issuerEntry({ jwks: jwksOf(key) })) });
	await stack.signIn();
	browser = await launch();
	page = await newPage(browser);
	await signInAt(page, stack, '/policies?tab=source');
	await page.locator('.cm-content').waitFor();
});

after(async () => {
	await browser?.close();
	await stack?.down();
});

// Replaces all, and leaves the cursor where the mark stands.
async function write(text) {
	const at = text.indexOf('\u2503');
	await page.locator('.cm-content').click();
	await page.keyboard.press('Control+a');
	await page.keyboard.insertText(text.replace('\u2503', ''));
	for (let i = at < 0 ? 0 : text.length - 1 - at; i > 0; i--) await page.keyboard.press('ArrowLeft');
}

const written = () => page.evaluate(() => [...document.querySelector('.editor').shadowRoot.querySelectorAll('.cm-line')].map((line) => line.textContent).join('\n'));
const offered = () => page.locator('.cm-tooltip-autocomplete li').allTextContents();
// The editor takes no key for the list in its first moment: who is typing on did not mean it.
async function list() {
	await page.locator('.cm-tooltip-autocomplete').waitFor();
	await page.waitForTimeout(200);
}

test('members and values by the schema, taken by keyboard', async () => {
	await write('{\u2503}');
	await page.keyboard.type('"polic');
	await list();
	assert.ok((await offered()).some((one) => one.startsWith('policies')), String(await offered()));
	await page.keyboard.press('Enter');
	await eventually('the member', async () => (await written()) === '{"policies": []}');
	await write('{"policies":[{"name":"p","action":"\u2503"}]}');
	await page.keyboard.type('D');
	await list();
	await page.keyboard.press('Enter');
	await eventually('the value', async () => (await written()) === '{"policies":[{"name":"p","action":"DENY"}]}');
	await write('{"policies":[{"rules":[{\u2503}]}]}');
	await page.keyboard.press('Control+Space');
	await list();
	const names = await offered();
	assert.ok(['condition', 'from', 'to', 'when'].every((name) => names.some((one) => one.startsWith(name))), String(names));
	await shoot(page, 'editor-completion-light-1280');
	await page.keyboard.press('Escape');
	assert.deepEqual(page.problems, []);
});

test('in a condition the names and functions that it may use', async () => {
	const rule = (condition) => `{"policies":[{"name":"p","action":"ALLOW","rules":[{"to":[{"operation":{"paths":["/orders/{id}"]}}],"condition":"${condition}"}]}]}`;
	await write(rule('\u2503'));
	await page.keyboard.type('request.meth');
	await list();
	await page.keyboard.press('Enter');
	await eventually('the name', async () => (await written()).includes('"condition":"request.method"'));
	await write(rule('\u2503'));
	await page.keyboard.type('pat');
	await list();
	assert.ok((await offered()).some((one) => one.startsWith('path.id')), String(await offered()));
	await write(rule('user\u2503'));
	await page.keyboard.type('.starts');
	await list();
	assert.ok((await offered()).some((one) => one.startsWith('startsWith')), String(await offered()));
	await page.keyboard.press('Enter');
	await eventually('the function', async () => (await written()).includes('"condition":"user.startsWith"'));
});

test('what is wrong is marked where it stands, inside of the condition too, while it is written', async () => {
	const marked = () => page.locator('.cm-lintRange-error').allTextContents();
	const rule = (condition) => JSON.stringify({ policies: [{ name: 'p', action: 'ALLOW', rules: [{ to: [{ operation: { paths: ['/orders/{id}'] } }], condition }] }] }, null, 2);
	await write(rule('path.id == usr && "x" in groups'));
	await eventually('the mark', async () => (await marked()).join() === 'usr');
	await write(rule('"\u00e9\ud83d\ude00" in groups && path.idd == user'));
	await eventually('the mark behind escapes and wide characters', async () => /^path/.test((await marked()).join('')));
	await shoot(page, 'editor-mark-light-1280');
	await page.emulateMedia({ colorScheme: 'dark' });
	await page.setViewportSize({ width: 390, height: 844 });
	assert.deepEqual(await accessibility(page), []);
	await shoot(page, 'editor-mark-dark-390');
	await page.setViewportSize({ width: 1280, height: 900 });
	await page.getByRole('button', { name: 'Validate' }).click();
	await page.getByRole('alert').getByRole('button', { name: /line \d+/ }).first().click();
	await write(rule('path.id == user'));
	await eventually('no mark', async () => (await marked()).length === 0);
	assert.deepEqual(page.problems, []);
});

test('what conditions may say is what the program says of itself', async () => {
	const { names, functions } = (await request(`http://${stack.admin}/schema/conditions.json`)).json();
	for (const name of ['request.method', 'user', 'claims', 'groups']) assert.ok(names.some((one) => one.name === name), name);
	for (const name of ['related', 'startsWith', 'matches']) assert.ok(functions.some((one) => one.name === name), name);
	assert.ok(functions.every((one) => one.result && !/^[_!-]/.test(one.name)), 'no operators');
});
