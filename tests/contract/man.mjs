// The manual pages say what the program does: mandoc finds nothing to complain about, options, commands, settings
// and query fields are those of the code, and the examples work; so do those of the README.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const haward = process.env.HAWARD_BIN;
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const folder = path.join(root, 'agent/packaging/man');
const pages = fs.readdirSync(folder);
const source = (page) => fs.readFileSync(path.join(folder, page), 'utf8');
const help = (...args) => execFileSync(haward, [...args, '--help'], { encoding: 'utf8' });
const sorted = (set) => [...set].sort();
const sh = (command, options) => spawnSync('sh', ['-c', command], { encoding: 'utf8', timeout: 60000, ...options });

// page -> the --help texts it has to cover
const covered = {
	'haward-serve.8': [['serve']],
	'haward-check.1': [['check']],
	'haward-explain.1': [['explain']],
	'haward-cel.1': [['cel']],
	'haward-import.1': [['import', 'istio'], ['import', 'openapi']],
	'haward-policy.1': [['policy', 'test'], ['policy', 'lint'], ['policy', 'diff']],
	'haward-relation.1': [['relation', 'check'], ['relation', 'write'], ['relation', 'delete'], ['relation', 'list']],
	'haward-replay.1': [['replay']],
	'haward-token.1': [['token']],
	'haward-workload.1': [['workload']],
	'haward-audit.1': [['audit', 'export'], ['audit', 'backup'], ['audit', 'verify'], ['audit', 'checkpoint'], ['audit', 'prove'], ['audit', 'check-proof']],
	'haward-admin.8': [['admin']],
	'haward-key.8': [['key']],
	'haward-revoke.8': [['revoke']],
	'haward-signing.8': [['signing']],
	'haward-user.8': [['user']],
};

// What stands behind a heading, up to the next one.
function section(page, name) {
	const found = source(page).split(/^\.Sh /m).find((part) => part.startsWith(`${name}\n`));
	assert.ok(found, `${page} has no ${name}`);
	return found;
}

test('mandoc has no warning', () => {
	for (const page of pages) {
		const found = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', path.join(folder, page)], { encoding: 'utf8' });
		assert.ok(!found.error, `mandoc: ${found.error}`);
		assert.equal(found.stdout + found.stderr, '');
		assert.equal(found.status, 0, page);
	}
});

test('every command has its page, and every page its command', () => {
	const commands = [...help().matchAll(/^ {2}([a-z]+) +\S/gm)].map((m) => m[1]);
	assert.ok(commands.length >= 6);
	assert.deepEqual(sorted([...source('haward.8').matchAll(/^\.It Cm ([a-z]+)$/gm)].map((m) => m[1])), sorted(commands));
	assert.deepEqual(sorted(pages), sorted(['haward.8', 'haward.json.5', ...Object.keys(covered)]));
	assert.deepEqual(sorted(Object.keys(covered).map((page) => page.match(/-([a-z]+)\./)[1])), sorted(commands));
	for (const page of Object.keys(covered)) assert.ok(section('haward.8', 'SEE ALSO').includes(page.replace('.', ' ')), `haward.8 does not point to ${page}`);
});

test('options are those of --help, long and short', () => {
	for (const [page, commands] of Object.entries(covered)) {
		const offered = new Set();
		for (const command of commands) {
			for (const [, short, long] of help(...command).matchAll(/^ +(?:-(\S), +)?--([a-z-]+)/gm)) {
				if (short) offered.add(`-${short}`);
				offered.add(`--${long}`);
			}
		}
		const told = new Set();
		for (const [line] of source(page).matchAll(/^\.It Fl .*$/gm)) for (const [, name] of line.matchAll(/Fl (\S+)/g)) told.add(`-${name.replace('\\&', '')}`);
		assert.deepEqual(sorted(told), sorted(offered), page);
	}
	for (const option of ['-h', '--help', '-V', '--version']) {
		assert.equal(spawnSync(haward, [option]).status, 0, option);
		assert.match(source('haward.8'), new RegExp(`^\\.It .*Fl ${option.slice(1)}\\b`, 'm'));
	}
});

test('settings, their limits and defaults are those of the schema', () => {
	const schema = JSON.parse(fs.readFileSync(path.join(root, 'schema/settings.schema.json'), 'utf8'));
	const known = new Map();
	for (const [name, what] of Object.entries(schema.properties)) {
		if (what.type !== 'object') known.set(name, what);
		else for (const [member, one] of Object.entries(what.properties)) known.set(`${name}.${member}`, one);
	}
	const told = new Map(source('haward.json.5').split(/^\.It Va /m).slice(1).map((part) => [part.split('\n')[0], part.split(/^\.El/m)[0]]));
	assert.deepEqual(sorted(told.keys()), sorted(known.keys()));
	for (const [name, what] of known) {
		const text = told.get(name);
		for (const number of [what.minimum, what.maximum, what.type === 'integer' ? what.default : undefined])
			if (number) assert.match(text, new RegExp(`\\b${number}\\b`), `${name} does not tell ${number}`);
		for (const word of [what.default, what.enum].flat(2)) if (typeof word === 'string') assert.ok(text.includes(word), `${name} does not tell ${word}`);
	}
});

test('query fields are those of the code', () => {
	const code = fs.readFileSync(path.join(root, 'agent/audit/filter.c'), 'utf8');
	const fields = [...code.matchAll(/^\t\{"([a-z_]+)", MATCH_/gm)].map((m) => m[1]);
	assert.ok(fields.length > 30);
	const queries = source('haward-audit.1').split(/^\.Ss Queries/m)[1].split(/^\.Sh/m)[0];
	const told = [...queries.matchAll(/^(?:\.It )?\.?Cm (.*)$|^\.It Cm (.*)$/gm)].flatMap((m) => (m[1] ?? m[2]).split(/[ ,]+/)).filter(Boolean);
	assert.deepEqual(sorted(new Set(told)), sorted(fields));
});

// ---- the examples ----

let dir;
let agent;
let log = '';

// Literal blocks and display lines, as a shell would read them.
function examples(page) {
	const text = section(page, 'EXAMPLES');
	const found = [...text.matchAll(/^\.Bd -literal.*\n([^]*?)^\.Ed$|^((?:\.Dl .*\n)+)/gm)].map((m) => (m[1] ?? m[2]).replace(/^\.Dl /gm, ''));
	return found.map((one) => one.replaceAll('\\e', '\\').replaceAll('\\(dq', '"').replaceAll('\\(aq', "'").replaceAll('\\&', ''));
}

before(async () => {
	dir = fs.mkdtempSync(path.join(os.tmpdir(), 'haward-man-'));
	const put = (name, text) => fs.writeFileSync(path.join(dir, name), text);
	const policy = { apiVersion: 'haward/v1', services: [{ name: 'orders', paths: ['/orders/{id}'] }],
		policies: [{ name: 'read', action: 'ALLOW', services: ['orders'], rules: [{ from: [{ source: { requestPrincipals: ['https://idp.example/*'] } }] }] }] };
	put('policy.json', JSON.stringify(policy));
	put('haward.json', JSON.stringify({ data_dir: path.join(dir, 'data'), spop: { listen: ['127.0.0.1:0'], workers: 1 }, accounting: { listen: [] }, admin: { listen: '127.0.0.1:0' }, policy: { file: 'policy.json' } }));
	put('requests.jsonl', '{"method":"GET","path":"/orders/7"}\n{"path":"/elsewhere"}\n');
	put('decisions.jsonl', execFileSync(haward, ['explain', '--policy', 'policy.json'], { cwd: dir, input: fs.readFileSync(path.join(dir, 'requests.jsonl')) }));
	put('password.txt', 'correct horse battery staple\n');
	put('token.txt', 'e30.e30.e30\n');
	put('jwks.json', '{"keys":[]}');
	execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', '/dev/null', '-subj', '/CN=leaf', '-out', 'leaf.pem'], { cwd: dir, stdio: 'ignore' });
	agent = spawn(haward, ['serve', '--config', path.join(dir, 'haward.json')], { stdio: ['ignore', 'ignore', 'pipe'] });
	await new Promise((resolve, reject) => {
		const late = setTimeout(() => reject(new Error(`the agent is not ready:\n${log}`)), 30000);
		agent.on('exit', (code) => reject(new Error(`the agent ended with ${code}:\n${log}`)));
		agent.stderr.on('data', (data) => {
			log += data;
			if (!/event=ready /.test(log)) return;
			clearTimeout(late);
			resolve();
		});
	});
	agent.removeAllListeners('exit');
});

after(async () => {
	if (agent && agent.exitCode === null) {
		const ended = new Promise((resolve) => agent.on('exit', resolve));
		agent.kill('SIGTERM');
		const code = await ended;
		assert.equal(code, 0, log);
	}
	fs.rmSync(dir, { recursive: true, force: true });
});

test('the examples work', () => {
	const env = { ...process.env, PATH: `${path.dirname(haward)}:${process.env.PATH}` };
	let n = 0;
	for (const page of ['haward-check.1', 'haward-explain.1', 'haward-cel.1', 'haward-import.1', 'haward-policy.1', 'haward-relation.1', 'haward-replay.1', 'haward-token.1', 'haward-workload.1', 'haward-admin.8', 'haward-user.8', 'haward-audit.1', 'haward-key.8', 'haward-revoke.8']) {
		for (const example of examples(page)) {
			// the issuer of the example is nobody's; all else is as printed, in a directory of ours
			const command = example.replace(/^curl .*\n/m, '').replaceAll('/var/lib/haward', path.join(dir, 'data')).replaceAll('/etc/haward', dir)
				.replace(/^(haward (?:admin|user) add .*)$/m, '$1 < password.txt');
			const found = sh(`set -e\n${command}`, { cwd: dir, env });
			assert.equal(found.status, 0, `${page}: ${command}\n${found.stdout}${found.stderr}`);
			n++;
		}
	}
	assert.ok(n >= 9, `${n} examples`);
	assert.match(sh('cat november.jsonl', { cwd: dir }).stderr, /^$/);
	const answer = sh(examples('haward-explain.1')[0], { cwd: dir, env });
	assert.equal(JSON.parse(answer.stdout).verdict, 'allow', answer.stdout);
	const token = sh(examples('haward-token.1')[0], { cwd: dir, env });
	assert.equal(JSON.parse(token.stdout).valid, false, token.stdout);
	assert.match(sh(`haward admin list --data ${dir}/data`, { env }).stdout, /^alice +enabled +auditor,editor/m);
});

test('the example of haward.json(5) is good settings', () => {
	const [example] = examples('haward.json.5');
	JSON.parse(example);
	fs.writeFileSync(path.join(dir, 'example.json'), example);
	const found = sh(`'${haward}' check --config example.json`, { cwd: dir });
	assert.equal(found.status, 0, found.stderr);
});

test('the README: its policy set decides as it says, its commands and files exist', () => {
	const text = fs.readFileSync(path.join(root, 'README.md'), 'utf8');
	const [, policy] = /```json\n([^]*?)```/.exec(text);
	const [, explain] = /```sh\n(echo [^]*?)```/.exec(text);
	const own = path.join(dir, 'readme');
	fs.mkdirSync(own);
	fs.writeFileSync(path.join(own, 'policy.json'), policy);
	const env = { ...process.env, PATH: `${path.dirname(haward)}:${process.env.PATH}` };
	const verdict = (command) => JSON.parse(sh(command, { cwd: own, env }).stdout).verdict;
	assert.equal(verdict(explain), 'allow');
	assert.equal(verdict(explain.replace('/orders/of/alice', '/orders/of/bob')), 'deny');
	const commands = [...help().matchAll(/^ {2}([a-z]+) +\S/gm)].map((m) => m[1]);
	for (const [, command] of text.matchAll(/^ *haward ([a-z]+)/gm)) assert.ok(commands.includes(command), command);
	for (const [, file] of text.matchAll(/`((?:agent|webui|haproxy-examples|schema|tests)\/[\w./-]*)`/g)) assert.ok(fs.existsSync(path.join(root, file)), `${file} is not there`);
});
