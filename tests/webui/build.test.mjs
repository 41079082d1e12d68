// The whole build: what it promises about size, notices, names and sameness.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { packages, require, root, scratch, webui } from './load.mjs';

// As the CMake build does it: in a copy, beside the packages.
const copy = scratch('webui-build');
const dist = path.join(copy, 'dist');
const build = (out) => execFileSync(process.execPath, ['build.mjs', out], { cwd: copy, timeout: 120000, stdio: 'pipe' });

function files(dir) {
	return fs.readdirSync(dir, { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? files(path.join(dir, e.name)).map((f) => path.join(e.name, f)) : [e.name])).sort();
}

before(() => {
	for (const name of ['package.json', 'build.mjs', 'notices.mjs', 'tsconfig.json']) fs.copyFileSync(path.join(webui, name), path.join(copy, name));
	fs.cpSync(path.join(webui, 'src'), path.join(copy, 'src'), { recursive: true });
	fs.symlinkSync(path.join(packages, 'node_modules'), path.join(copy, 'node_modules'));
	build(dist);
});

const plain = () => files(dist).filter((f) => !/\.(gz|br)$/.test(f));
const brotli = (names) => names.reduce((sum, f) => sum + fs.statSync(path.join(dist, `${f}.br`)).size, 0);

test('the packages are those of the lock file', () => {
	const lock = JSON.parse(fs.readFileSync(path.join(webui, 'package-lock.json'), 'utf8'));
	const { dependencies, devDependencies } = JSON.parse(fs.readFileSync(path.join(webui, 'package.json'), 'utf8'));
	for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
		const { version } = JSON.parse(fs.readFileSync(path.join(packages, 'node_modules', name, 'package.json'), 'utf8'));
		assert.equal(version, lock.packages[`node_modules/${name}`].version, name);
	}
});

test('the first page is at most 30 KiB, the whole at most 200, in brotli', () => {
	const html = fs.readFileSync(path.join(dist, 'index.html'), 'utf8');
	const first = ['index.html', ...[...html.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map((m) => m[1])];
	assert.ok(first.length >= 3, 'a script and a style sheet');
	assert.ok(brotli(first) <= 30 * 1024, `${brotli(first)} bytes: ${first.join(', ')}`);
	assert.ok(!first.some((f) => f.includes('editor')), 'the editor comes when it is needed');
	assert.ok(brotli(plain()) <= 200 * 1024, `${brotli(plain())} bytes`);
});

test('what is imported at once is loaded at once', () => {
	const html = fs.readFileSync(path.join(dist, 'index.html'), 'utf8');
	const seen = new Set();
	const follow = (name) => {
		if (seen.has(name)) return;
		seen.add(name);
		const code = fs.readFileSync(path.join(dist, 'assets', name), 'utf8');
		for (const m of code.matchAll(/(?:from|import)"\.\/([^"]+\.js)"/g)) follow(m[1]);
	};
	follow(/src="\/assets\/([^"]+)"/.exec(html)[1]);
	for (const name of seen) assert.ok(html.includes(`/assets/${name}"`), name);
});

test('nothing in the page needs more than the content security policy gives', () => {
	const html = fs.readFileSync(path.join(dist, 'index.html'), 'utf8');
	assert.doesNotMatch(html, /<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|https?:/i);
	assert.doesNotMatch(html, /\{\{/);
	for (const f of plain().filter((name) => name.endsWith('.js'))) {
		const code = fs.readFileSync(path.join(dist, f), 'utf8');
		assert.doesNotMatch(code, /\beval\(|new Function\(/, f);
	}
	assert.doesNotMatch(plain().filter((f) => f.endsWith('.css')).map((f) => fs.readFileSync(path.join(dist, f), 'utf8')).join(''), /url\(|@import/);
});

test('every file has both packed forms, and they hold the file', () => {
	for (const f of plain()) {
		const bytes = fs.readFileSync(path.join(dist, f));
		assert.ok(gunzipSync(fs.readFileSync(path.join(dist, `${f}.gz`))).equals(bytes), f);
		assert.ok(brotliDecompressSync(fs.readFileSync(path.join(dist, `${f}.br`))).equals(bytes), f);
	}
});

test('assets carry a hash in their names, and the same input gives the same bytes', () => {
	for (const f of plain().filter((name) => name.startsWith('assets/'))) assert.match(f, /-[A-Z0-9]{8}\.(js|css)$/);
	const again = path.join(copy, 'again');
	build(again);
	assert.deepEqual(files(again), files(dist));
	for (const f of files(dist)) assert.ok(fs.readFileSync(path.join(again, f)).equals(fs.readFileSync(path.join(dist, f))), f);
});

test('the notices name what is bundled, with its licence text, and nothing else', () => {
	const text = fs.readFileSync(path.join(dist, 'THIRD-PARTY.txt'), 'utf8');
	const { dependencies, devDependencies } = JSON.parse(fs.readFileSync(path.join(webui, 'package.json'), 'utf8'));
	for (const [name, version] of Object.entries(dependencies)) assert.ok(text.includes(`\n${name} ${version}, MIT\n`), `${name}: declared, so bundled and named`);
	for (const name of Object.keys(devDependencies)) assert.ok(!text.includes(`\n${name} `), `${name} is only a tool`);
	const listed = text.split('-'.repeat(78))[0].match(/^ {2}\S+ \S+, \S+$/gm);
	const copyrights = text.split('-'.repeat(78)).slice(1);
	assert.equal(copyrights.length, listed.length);
	for (const one of copyrights) assert.match(one, /copyright|permission is hereby granted/i);
});

test('a package without a licence text may not be bundled', async () => {
	const { thirdParty } = await import(path.join(webui, 'notices.mjs'));
	const dir = scratch('notices');
	fs.mkdirSync(path.join(dir, 'node_modules/@some/thing'), { recursive: true });
	fs.writeFileSync(path.join(dir, 'node_modules/@some/thing/package.json'), '{"name":"@some/thing","version":"1.0.0","license":"MIT"}');
	const metafile = { outputs: { 'app.js': { inputs: { 'node_modules/@some/thing/index.js': { bytesInOutput: 9 }, 'src/main.tsx': { bytesInOutput: 9 } } } } };
	assert.throws(() => thirdParty(dir, metafile), /@some\/thing: no licence text/);
	fs.writeFileSync(path.join(dir, 'node_modules/@some/thing/LICENSE'), 'Copyright somebody');
	assert.match(thirdParty(dir, metafile), /@some\/thing 1\.0\.0, MIT\n\nCopyright somebody/);
	metafile.outputs['app.js'].inputs['node_modules/@some/thing/index.js'].bytesInOutput = 0;
	assert.doesNotMatch(thirdParty(dir, metafile), /@some/);
});

test('types: the sources fit together, and the API types are those of schema/openapi.json', () => {
	execFileSync(process.execPath, [require.resolve('typescript/bin/tsc'), '--noEmit'], { cwd: copy, timeout: 120000, stdio: 'pipe' });
	const made = path.join(copy, 'schema.d.ts');
	const tool = path.join(path.dirname(require.resolve('openapi-typescript/package.json')), 'bin/cli.js');
	execFileSync(process.execPath, [tool, path.join(root, 'schema/openapi.json'), '-o', made], { cwd: copy, timeout: 120000, stdio: 'pipe' });
	assert.equal(fs.readFileSync(made, 'utf8'), fs.readFileSync(path.join(webui, 'src/api/schema.d.ts'), 'utf8'), 'run npm run api in webui/');
});
