// Programs under test: started with their output in a file, ended by their own process id.
import { spawn, execFile } from 'node:child_process';
import fs from 'node:fs';

export function start(name, file, args, { log, env = {}, cwd } = {}) {
	const out = fs.openSync(log, 'a');
	const child = spawn(file, args, { stdio: ['ignore', out, out], env: { ...process.env, ...env }, cwd });
	fs.closeSync(out);
	const ended = new Promise((resolve) => {
		child.once('exit', (code, signal) => resolve({ code, signal }));
		child.once('error', (error) => resolve({ code: -1, signal: null, error }));
	});
	let over = null;
	ended.then((how) => { over = how; });
	const atExit = () => { if (!over) child.kill('SIGKILL'); };
	process.once('exit', atExit);
	ended.then(() => process.removeListener('exit', atExit));
	return {
		name, log, child, ended,
		pid: child.pid,
		get over() { return over; },
		output: () => fs.readFileSync(log, 'utf8'),
		signal: (s) => child.kill(s),
		async stop({ signal = 'SIGTERM', grace = 15000 } = {}) {
			if (over) return over;
			child.kill(signal);
			let timer; // stopped, or the test file would live as long as the grace
			const patience = new Promise((resolve) => { timer = setTimeout(resolve, grace, null); });
			const how = await Promise.race([ended, patience]);
			clearTimeout(timer);
			if (how) return how;
			child.kill('SIGKILL');
			await ended;
			throw new Error(`${name} did not stop within ${grace} ms of ${signal}`);
		},
	};
}

export function run(file, args, { input = '', env = {}, cwd, timeout = 60000, maxBuffer = 256 << 20 } = {}) {
	return new Promise((resolve) => {
		const child = execFile(file, args, { timeout, maxBuffer, cwd, env: { ...process.env, ...env } }, (error, stdout, stderr) => {
			resolve({ code: error ? (typeof error.code === 'number' ? error.code : -1) : 0, stdout, stderr });
		});
		child.stdin.on('error', () => {});
		child.stdin.end(input);
	});
}
