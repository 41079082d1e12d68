// One running installation: Haward, HAProxy with the shipped configuration, the demo service.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { Api } from './api.mjs';
import { request } from './http.mjs';
import { freePorts } from './ports.mjs';
import { run, start } from './proc.mjs';
import { eventually } from './wait.mjs';
import { examples, haproxy, haward, out, tempDir } from './where.mjs';

const merge = (a, b) => Object.fromEntries([...new Set([...Object.keys(a), ...Object.keys(b)])].map((key) => {
	const both = a[key] && b[key] && typeof a[key] === 'object' && typeof b[key] === 'object' && !Array.isArray(b[key]);
	return [key, both ? merge(a[key], b[key]) : key in b ? b[key] : a[key]];
}));

export class Stack {
	// example: folder under haproxy-examples; policy: object or function(stack) -> object, written before the start
	static async up(t, { name = 'stack', example = 'quickstart', policy, settings = {}, unix = false, env = {}, wrapper = [], serviceArgs = [] } = {}) {
		const stack = new Stack();
		stack.serviceArgs = serviceArgs; // what service.mjs takes behind its address
		stack.wrapper = wrapper; // a command that ends in exec "$@"
		stack.dir = tempDir(null, name);
		stack.dataDir = path.join(stack.dir, 'data');
		fs.mkdirSync(stack.dataDir, { mode: 0o700 });
		stack.logs = path.join(out, 'logs', name);
		fs.rmSync(stack.logs, { recursive: true, force: true });
		fs.mkdirSync(stack.logs, { recursive: true });
		const [edge, strict, spop, accounting, admin, service] = await freePorts(6);
		stack.example = path.join(examples, example);
		stack.edge = `127.0.0.1:${edge}`;
		stack.strict = `127.0.0.1:${strict}`;
		stack.spop = unix ? `unix@${stack.dir}/spop.sock` : `127.0.0.1:${spop}`;
		stack.admin = `127.0.0.1:${admin}`;
		stack.accounting = `127.0.0.1:${accounting}`;
		stack.service = `127.0.0.1:${service}`;
		stack.url = `http://${stack.edge}`;
		stack.api = new Api(stack.admin);
		stack.policyFile = path.join(stack.dir, 'policy.json');
		stack.settingsFile = path.join(stack.dir, 'haward.json');
		stack.env = {
			HAWARD_EDGE: stack.edge, HAWARD_MTLS: stack.edge, HAWARD_MTLS_STRICT: stack.strict, HAWARD_SPOP: stack.spop,
			HAWARD_ACCOUNTING: stack.accounting, HAWARD_SERVICE: stack.service,
			HAWARD_SPOE_CFG: path.join(stack.example, 'spoe.cfg'), ...env,
		};
		const chosen = typeof policy === 'function' ? await policy(stack) : policy;
		fs.writeFileSync(stack.policyFile, typeof chosen === 'string' ? chosen : JSON.stringify(chosen, null, 2));
		const shipped = JSON.parse(fs.readFileSync(path.join(stack.example, 'haward.json'), 'utf8'));
		stack.settings = merge(merge(shipped, {
			data_dir: stack.dataDir,
			spop: { listen: [unix ? `unix@${stack.dir}/spop.sock` : stack.spop] },
			accounting: { listen: [stack.accounting] },
			admin: { listen: stack.admin },
			policy: { file: stack.policyFile },
		}), settings);
		fs.writeFileSync(stack.settingsFile, JSON.stringify(stack.settings, null, 2));
		t?.after?.(() => stack.down());
		await stack.startHaward();
		await stack.startService();
		await stack.startHaproxy();
		return stack;
	}

	async startHaward() {
		const [file, ...args] = [...this.wrapper, haward, 'serve', '--config', this.settingsFile];
		this.haward = start('haward', file, args, { log: path.join(this.logs, 'haward.log'), env: sanitizers });
		await eventually('Haward to be ready', async () => {
			if (this.haward.over) throw new Error(`it ended: ${JSON.stringify(this.haward.over)}\n${this.haward.output().slice(-2000)}`);
			return (await request(`http://${this.admin}/health/ready`, { timeout: 2000 })).status === 200;
		}, { ms: 30000 });
	}

	async startService() {
		this.demo = start('service', process.execPath, [path.join(examples, 'demo/service.mjs'), this.service, ...this.serviceArgs], { log: path.join(this.logs, 'service.log') });
		await eventually('the demo service', () => request(`http://${this.service}/`), { ms: 10000 });
	}

	// HAProxy is up when it answers, and has an agent when the answer is not 503.
	async startHaproxy() {
		this.proxy = start('haproxy', haproxy, ['-db', '-f', path.join(this.example, 'haproxy.cfg')], { log: path.join(this.logs, 'haproxy.log'), env: this.env });
		if (/\/(mtls|mesh)$/.test(this.example)) return;
		await this.flowing();
	}

	flowing = (ms = 15000) => eventually('HAProxy to have its agent', async () => {
		if (this.proxy.over) throw new Error(`HAProxy ended:\n${this.proxy.output().slice(-2000)}`);
		return (await request(`${this.url}/warm-up`)).status !== 503;
	}, { ms });

	get = (pathname, headers = {}, options = {}) => request(`${this.url}${pathname}`, { headers, ...options });

	setupLink = () => this.haward.output().match(/https?:\/\/[^\s"]*setup[^\s"]*/g)?.at(-1);

	async signIn() {
		const link = await eventually('the setup link in the log', () => this.setupLink());
		await this.api.setup(link);
		return this.api;
	}

	cli = (args, options) => run(haward, args, { env: sanitizers, ...options });

	// The whole book as records, read by the command line while the server may be running.
	async book(filter, { format = 'jsonl' } = {}) {
		const found = await this.cli(['audit', 'export', '--data', this.dataDir, '--format', format, ...(filter ? ['--filter', filter] : [])]);
		if (found.code !== 0) throw new Error(`audit export: ${found.code} ${found.stderr}`);
		return format === 'jsonl' ? found.stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line)) : found.stdout;
	}

	// The event of a receipt; with outcome: once HAProxy's log line has been joined to it.
	event = (id, { outcome = true, ms = 10000 } = {}) => eventually(`event ${id} in the book`, async () => {
		const [found] = await this.book(`id:${id}`);
		return found && (!outcome || found.outcome) ? found : null;
	}, { ms, every: 100 });

	verify = () => this.cli(['audit', 'verify', '--data', this.dataDir]);

	async down() {
		for (const part of [this.proxy, this.demo, this.haward]) await part?.stop().catch((error) => { this.problem ??= error; });
		fs.rmSync(this.dir, { recursive: true, force: true });
		const how = this.haward?.over;
		const wanted = this.expectKilled ? how?.signal === 'SIGKILL' : how?.code === 0;
		if (this.haward && !wanted) throw new Error(`haward ended with ${JSON.stringify(how)}; see ${this.haward.log}\n${this.haward.output().slice(-3000)}`);
		if (this.problem) throw this.problem;
	}
}

// Builds with sanitizers end with their own code, so that a leak or a race fails the test that caused it.
export const sanitizers = {
	ASAN_OPTIONS: 'detect_leaks=1:exitcode=99:abort_on_error=0', UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1', TSAN_OPTIONS: 'halt_on_error=1:exitcode=66',
};

export const keepAlive = (n) => new http.Agent({ keepAlive: true, maxSockets: n });

// n clients asking one request after another until stop() is called, or the test is over.
export function load(t, n, ask) {
	let stopping = false;
	const answers = [];
	const client = async (who) => {
		for (let i = 0; !stopping; i++) {
			const asked = performance.now();
			try {
				answers.push({ ...(await ask(who, i)), asked, answered: performance.now() });
			} catch (error) {
				answers.push({ error, asked, answered: performance.now() });
			}
		}
	};
	const clients = Array.from({ length: n }, (_, who) => client(who));
	const stop = async () => { stopping = true; await Promise.all(clients); return answers; };
	t.after(stop);
	return { answers, stop };
}
