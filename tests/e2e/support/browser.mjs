// The system's Chromium, driven by playwright-core: an empty profile, every console error and every
// violation of the content security policy kept as a failure.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from 'playwright-core';
import { out } from './where.mjs';

export const chromiumPath = () => [process.env.CHROMIUM_BIN, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((file) => file && fs.existsSync(file));

export async function launch() {
	return chromium.launch({
		executablePath: chromiumPath(), headless: true,
		args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
	});
}

export async function newPage(browser, { width = 1280, height = 900, dark = false, forcedColors = 'none', timezoneId = 'UTC', storageState } = {}) {
	const context = await browser.newContext({
		viewport: { width, height }, colorScheme: dark ? 'dark' : 'light', reducedMotion: 'reduce', forcedColors, timezoneId, locale: 'en-GB', storageState, acceptDownloads: true,
	});
	const page = await context.newPage();
	page.setDefaultTimeout(10000);
	page.problems = [];
	// 4xx answers are logged by the browser as errors on its own; the tests look at statuses themselves.
	page.on('console', (message) => { if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) page.problems.push(message.text()); });
	page.on('pageerror', (error) => page.problems.push(String(error)));
	await page.addInitScript(() => document.addEventListener('securitypolicyviolation', (e) => console.error(`CSP ${e.violatedDirective} ${e.blockedURI}`)));
	return page;
}

export async function shoot(page, name) {
	const dir = path.join(out, 'screenshots');
	fs.mkdirSync(dir, { recursive: true });
	await page.screenshot({ path: path.join(dir, `${name}.png`) });
}

// What axe finds at WCAG 2.2 AA, as readable lines.
export async function accessibility(page) {
	const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']).analyze();
	return violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.target.flat().join(' ')).join(' | ')}`);
}

// Nothing is wider than the window: no page scrolls sideways.
export const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

// To a page of the dashboard, as the account of the tests.
export async function signInAt(page, stack, pathname) {
	await page.goto(`http://${stack.admin}${pathname}`);
	await page.getByLabel('Account').fill('root');
	await page.getByLabel('Password').fill('correct horse battery');
	await page.getByRole('button', { name: 'Sign in' }).click();
}

// Fails where the page as it is now has something that no page may have.
export async function isClean(page, what) {
	assert.deepEqual(page.problems, [], `${what}: console and content security policy`);
	assert.deepEqual(await accessibility(page), [], `${what}: accessibility`);
	assert.equal(await overflow(page), 0, `${what}: nothing is wider than the window`);
}
