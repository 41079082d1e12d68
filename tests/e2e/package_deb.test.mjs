// The Debian package: built by cpack, looked into, unpacked beside the system (never installed), and run from there.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import { request } from './support/http.mjs';
import { freePorts } from './support/ports.mjs';
import { run, start } from './support/proc.mjs';
import { eventually } from './support/wait.mjs';
import { out, root, tempDir } from './support/where.mjs';

const packaging = path.join(root, 'agent/packaging');
const build = path.join(out, 'package');
const version = /project\(haward VERSION ([0-9.]+)/.exec(fs.readFileSync(path.join(root, 'CMakeLists.txt'), 'utf8'))[1];
const read = (...parts) => fs.readFileSync(path.join(...parts), 'utf8');

let deb;
let unpacked;
let haward;

async function good(file, args, options = {}) {
	const found = await run(file, args, options);
	assert.equal(found.code, 0, `${file} ${args.join(' ')}\n${found.stdout.slice(-3000)}${found.stderr.slice(-3000)}`);
	return found.stdout;
}

async function offered(program) {
	return (await run(program, ['--version'])).code === 0;
}

// A release like the one that people get; the dashboard is the one that this build made already.
before(async () => {
	const dashboard = path.join(out, '../webui/dist');
	const ready = fs.existsSync(path.join(dashboard, 'index.html')) ? dashboard : '';
	fs.mkdirSync(build, { recursive: true });
	for (const name of fs.readdirSync(build)) if (name.endsWith('.deb')) fs.rmSync(path.join(build, name));
	await good('cmake', ['-S', root, '-B', build, '-DCMAKE_BUILD_TYPE=RelWithDebInfo', '-DBUILD_TESTING=OFF', `-DHAWARD_WEBUI_DIR=${ready}`], { timeout: 120000 });
	await good('cmake', ['--build', build, '-j', '2'], { timeout: 600000 });
	await good('sh', ['-c', 'umask 077 && cpack'], { cwd: build, timeout: 120000 }); // modes are not the builder's
	const made = fs.readdirSync(build).filter((name) => name.endsWith('.deb'));
	const architecture = (await good('dpkg', ['--print-architecture'])).trim();
	assert.deepEqual(made, [`haward_${version}_${architecture}.deb`]);
	deb = path.join(build, made[0]);
	unpacked = path.join(tempDir({ after: (f) => process.once('exit', f) }, 'package'), 'root');
	await good('dpkg-deb', ['--extract', deb, unpacked]);
	haward = path.join(unpacked, 'usr/bin/haward');
});

test('it says what it is and what it needs', async () => {
	const field = async (name) => (await good('dpkg-deb', ['--field', deb, name])).trim();
	assert.equal(await field('Package'), 'haward');
	assert.equal(await field('Version'), version);
	assert.equal(await field('Section'), 'net');
	assert.equal(await field('Conflicts'), '');
	assert.match(await field('Maintainer'), /^.+ <\S+@\S+>$/);
	assert.match(await field('Description'), /HAProxy\n [^]+\n \.\n /);
	const depends = await field('Depends');
	for (const library of ['libc6', 'libssl3', 'libev4', 'libjansson4', 'liblmdb0', 'libmicrohttpd12', 'libcurl4', 'libargon2-1'])
		assert.match(depends, new RegExp(`(^|, )${library}(t64)? \\(>= `), `${library} in ${depends}`);
	assert.match(depends, /systemd-sysusers/);
	assert.doesNotMatch(depends, /nodejs|lib[a-z0-9]+-dev/);
});

test('every file is in its place, for root to change alone', async () => {
	const rows = (await good('dpkg-deb', ['--contents', deb])).split('\n').filter(Boolean).map((line) => line.split(/\s+/));
	for (const [mode, owner, , , , name] of rows) {
		assert.equal(owner, 'root/root', name);
		assert.match(mode, /^(drwxr-xr-x|-rw-r--r--|-rwxr-xr-x)$/, name);
	}
	const names = new Set(rows.map((row) => row[5].slice(1)).filter((name) => !name.endsWith('/')));
	const wanted = ['/usr/bin/haward', '/etc/haward/haward.json', '/usr/lib/systemd/system/haward.service', '/usr/lib/sysusers.d/haward.conf',
		'/usr/lib/tmpfiles.d/haward.conf', '/usr/share/doc/haward/copyright', '/usr/share/doc/haward/changelog.gz', '/usr/share/doc/haward/README.md'];
	for (const page of fs.readdirSync(path.join(packaging, 'man'))) wanted.push(`/usr/share/man/man${page.at(-1)}/${page}.gz`);
	for (const name of fs.readdirSync(path.join(root, 'schema'))) wanted.push(`/usr/share/haward/schema/${name}`);
	for (const example of ['quickstart', 'api-keys', 'mtls', 'basic', 'mesh', 'edge-and-mesh', 'demo'])
		for (const name of fs.readdirSync(path.join(root, 'haproxy-examples', example))) wanted.push(`/usr/share/doc/haward/examples/${example}/${name}`);
	for (const name of wanted) assert.ok(names.has(name), `${name} is missing`);
	const control = path.join(path.dirname(unpacked), 'control');
	await good('dpkg-deb', ['--control', deb, control]);
	const conffiles = read(control, 'conffiles').split('\n').filter(Boolean);
	assert.deepEqual(conffiles, [...names].filter((name) => name.startsWith('/etc/')));
	const elf = await good('readelf', ['-hSd', haward], { env: { LC_ALL: 'C' } });
	assert.match(elf, /DYN \(Position-Independent/);
	assert.match(elf, /BIND_NOW/);
	assert.doesNotMatch(elf, /\.debug_info/);
});

test('its copyright names every library that the dashboard contains', () => {
	const { packages } = JSON.parse(read(root, 'webui/package-lock.json'));
	const named = read(unpacked, 'usr/share/doc/haward/copyright');
	const inside = Object.entries(packages).filter(([name, about]) => name && !about.dev);
	assert.ok(inside.length > 10);
	for (const [name, about] of inside) {
		assert.ok(named.includes(`${name}/*`), `${name} is not in debian/copyright`);
		assert.equal(about.license, 'MIT', name);
	}
});

test('lintian finds no error', async (t) => {
	if (!(await offered('lintian'))) return t.skip('lintian is not installed');
	const found = await run('lintian', ['--allow-root', '--fail-on', 'error', deb], { timeout: 120000 });
	assert.equal(found.code, 0, found.stdout + found.stderr);
	assert.doesNotMatch(found.stdout, /^E:/m);
});

test('the unit is one that systemd understands, and confines the agent', async (t) => {
	if (!(await offered('systemd-analyze'))) return t.skip('systemd is not installed');
	const dir = tempDir(t, 'unit');
	const unit = path.join(dir, 'haward.service');
	const text = read(unpacked, 'usr/lib/systemd/system/haward.service');
	assert.match(text, /^ExecStart=\/usr\/bin\/haward serve --config \/etc\/haward\/haward\.json$/m);
	fs.writeFileSync(unit, text.replace('/usr/bin/haward', haward).replace(/^Documentation=.*\n/m, ''));
	const found = await run('systemd-analyze', ['verify', unit]);
	assert.equal(found.code, 0, found.stderr);
	assert.doesNotMatch(found.stdout + found.stderr, /haward\.service/, found.stderr);
	// Exposure in tenths; what is left is the network, which it is there for.
	await good('systemd-analyze', ['security', '--offline=true', '--threshold=20', unit]);
	const users = path.join(dir, 'users');
	fs.mkdirSync(path.join(users, 'etc'), { recursive: true });
	await good('systemd-sysusers', [`--root=${users}`, path.join(packaging, 'sysusers.conf')]);
	assert.match(read(users, 'etc/passwd'), /^haward:x:\d+:\d+:[^:]*:\/var\/lib\/haward:\S*nologin$/m);
	assert.match(read(users, 'etc/group'), /^haward:/m);
});

// With stubs in place of everything they call: what they would do, in order.
test('the maintainer scripts make the user first and restart at an upgrade', async (t) => {
	const dir = tempDir(t, 'scripts');
	const log = path.join(dir, 'log');
	for (const name of ['systemd-sysusers', 'systemd-tmpfiles', 'deb-systemd-helper', 'deb-systemd-invoke', 'systemctl'])
		fs.writeFileSync(path.join(dir, name), `#!/bin/sh\necho "${name} $*" >> '${log}'\n`, { mode: 0o755 });
	const control = path.join(dir, 'control');
	await good('dpkg-deb', ['--control', deb, control]);
	const done = async (script, ...args) => {
		fs.writeFileSync(log, '');
		// a machine with a running systemd, whatever this one is
		const text = read(control, script).replaceAll('/run/systemd/system', dir);
		await good('/bin/sh', ['-s', '--', ...args], { input: text, env: { PATH: dir } });
		return read(log).split('\n').filter(Boolean);
	};
	const fresh = await done('postinst', 'configure', '');
	assert.deepEqual(fresh.slice(0, 2), ['systemd-sysusers haward.conf', 'systemd-tmpfiles --create haward.conf']);
	assert.ok(fresh.includes('deb-systemd-helper enable haward.service'));
	assert.equal(fresh.at(-1), 'deb-systemd-invoke start haward.service');
	assert.equal((await done('postinst', 'configure', '0.0.9')).at(-1), 'deb-systemd-invoke restart haward.service');
	assert.deepEqual(await done('prerm', 'upgrade', '9'), []);
	assert.deepEqual(await done('prerm', 'remove'), ['deb-systemd-invoke stop haward.service']);
	assert.deepEqual(await done('postrm', 'remove'), ['systemctl --system daemon-reload']);
	for (const script of ['postinst', 'prerm', 'postrm']) await good('/bin/sh', ['-n', path.join(control, script)]);
});

test('the installed settings are good, and the agent runs with them', async (t) => {
	const dir = tempDir(t, 'installed');
	const installed = path.join(unpacked, 'etc/haward/haward.json');
	assert.equal(await good(haward, ['--version']), `haward ${version}\n`);
	assert.equal(await good(haward, ['check', '--config', installed]), `${installed}: good\n`);
	const [spop, accounting, admin] = await freePorts(3);
	const settings = JSON.parse(read(installed));
	assert.equal(settings.data_dir, '/var/lib/haward');
	Object.assign(settings, { data_dir: path.join(dir, 'data'), spop: { listen: [`127.0.0.1:${spop}`] }, accounting: { listen: [`127.0.0.1:${accounting}`] }, admin: { listen: `127.0.0.1:${admin}` } });
	const file = path.join(dir, 'haward.json');
	fs.writeFileSync(file, JSON.stringify(settings));
	// twice: the second finds what the first left, as after an upgrade
	for (const round of ['first', 'second']) {
		const agent = start('haward', haward, ['serve', '--config', file], { log: path.join(dir, `${round}.log`) });
		t.after(() => agent.stop().catch(() => {}));
		await eventually('the agent to be ready', async () => (await request(`http://127.0.0.1:${admin}/health/ready`)).status === 200, { ms: 20000 });
		agent.signal('SIGHUP');
		await eventually('the reload', () => /event=reloaded ok=yes/.test(agent.output()));
		assert.equal((await agent.stop()).code, 0, agent.output());
	}
	assert.match(await good(haward, ['audit', 'verify', '--data', settings.data_dir]), /^chain holds$/m);
	const acts = await good(haward, ['audit', 'export', '--data', settings.data_dir, '--filter', 'kind:system', '--format', 'jsonl']);
	assert.deepEqual(acts.split('\n').filter(Boolean).map((line) => JSON.parse(line).action), ['start', 'reload', 'stop', 'start', 'reload', 'stop']);
});

test('the installed examples run with the installed program', async (t) => {
	const [edge, spop, accounting, service, admin] = (await freePorts(5)).map((port) => `127.0.0.1:${port}`);
	const env = { HAWARD_EDGE: edge, HAWARD_SPOP: spop, HAWARD_ACCOUNTING: accounting, HAWARD_SERVICE: service, HAWARD_ADMIN: admin, HAWARD_BIN: '',
		TMPDIR: tempDir(t, 'example'), PATH: `${path.dirname(haward)}:${process.env.PATH}` };
	const script = path.join(unpacked, 'usr/share/doc/haward/examples/quickstart/run.sh');
	const found = await run(script, ['--check'], { env, timeout: 120000 });
	assert.equal(found.code, 0, found.stdout + found.stderr);
	assert.match(found.stdout, /All as promised\./);
});
