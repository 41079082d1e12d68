// The agent stops, dies, comes back: nobody passes meanwhile, nothing answered is forgotten.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bearer } from './support/http.mjs';
import { jwksOf, makeKey, mint } from './support/issuer.mjs';
import { issuerEntry, policySet } from './support/policies.mjs';
import { keepAlive, load, Stack } from './support/stack.mjs';
import { eventually, sleep } from './support/wait.mjs';

async function stackWithToken(t, options = {}) {
	const key = await makeKey();
	const stack = await Stack.up(t, { policy: policySet(issuerEntry({ jwks: jwksOf(key) })), ...options });
	return { stack, token: await mint(key) };
}

test('agent stopped: every request gets 503; started: traffic flows without touching HAProxy', async (t) => {
	const { stack, token } = await stackWithToken(t, { name: 'stopped' });
	assert.equal((await stack.get('/orders/1', bearer(token))).status, 200);
	const stopped = await stack.haward.stop();
	assert.equal(stopped.code, 0, 'a clean end');
	const whileDown = [];
	for (let i = 0; i < 40; i++) whileDown.push(await stack.get('/orders/1', bearer(token)));
	assert.deepEqual([...new Set(whileDown.map((a) => a.status))], [503]);
	const pid = stack.proxy.pid;
	await stack.startHaward();
	await eventually('traffic to flow again', async () => (await stack.get('/orders/1', bearer(token))).status === 200, { ms: 10000 });
	assert.equal(stack.proxy.pid, pid);
	assert.equal(stack.proxy.over, null);
});

test('drain on SIGTERM under load: no request is wrongly allowed, none hangs', async (t) => {
	const { stack, token } = await stackWithToken(t, { name: 'drain' });
	const agent = keepAlive(16);
	t.after(() => agent.destroy());
	const traffic = load(t, 16, async (who, i) => {
		const good = (who + i) % 2 === 0;
		const answer = await stack.get('/orders/1', good ? bearer(token) : {}, { agent });
		return { good, status: answer.status };
	});
	await sleep(700);
	await stack.haward.stop();
	await sleep(700);
	await stack.startHaward();
	await stack.flowing();
	await sleep(500);
	const answers = await traffic.stop();
	assert.deepEqual(answers.filter((a) => a.error).map((a) => String(a.error)), []);
	for (const a of answers) assert.ok(a.good ? [200, 503].includes(a.status) : [401, 503].includes(a.status), `${a.good} ${a.status}`);
	assert.ok(answers.filter((a) => a.status === 200).length > 50);
	const slowest = Math.max(...answers.map((a) => a.answered - a.asked));
	assert.ok(slowest < 3000, `slowest ${slowest} ms`);
});

test('kill -9 under load, three times: all that was answered is in the book, and the chain holds', async (t) => {
	const { stack, token } = await stackWithToken(t, { name: 'killed' });
	stack.expectKilled = false;
	const agent = keepAlive(24);
	t.after(() => agent.destroy());
	const traffic = load(t, 24, async (who, i) => {
		const answer = await stack.get(`/orders/${who}`, i % 3 === 0 ? {} : bearer(token), { agent });
		return { status: answer.status, id: answer.headers['haward-event'] };
	});
	for (let round = 0; round < 3; round++) {
		await sleep(800 + 300 * round);
		stack.haward.signal('SIGKILL');
		await stack.haward.ended;
		await stack.startHaward();
		await stack.flowing();
	}
	await sleep(500);
	const answers = await traffic.stop();
	const wrong = answers.filter((a) => !a.error && ![200, 401, 503].includes(a.status));
	assert.deepEqual(wrong, []);
	const receipts = answers.filter((a) => a.id).map((a) => a.id);
	assert.ok(receipts.length > 300, `${receipts.length} verdicts`);
	for (const a of answers) assert.ok(a.error || a.id || a.status === 503, 'an answer other than 503 has a receipt');
	await stack.event(receipts.at(-1), { outcome: false, ms: 20000 });
	const book = new Map((await stack.book()).map((e) => [e.id, e]));
	const lost = receipts.filter((id) => !book.has(id));
	assert.deepEqual(lost, [], `${lost.length} of ${receipts.length} answered and not in the book`);
	assert.equal(new Set(receipts).size, receipts.length);
	for (const a of answers) if (a.id && a.status === 200) assert.equal(book.get(a.id).verdict, 'allow');
	const verified = await stack.verify();
	assert.equal(verified.code, 0, verified.stdout + verified.stderr);
	t.diagnostic(`${receipts.length} verdicts over three kills, none lost`);
});

test('requests that HAProxy refused without a decision stand in the book as unaccounted', async (t) => {
	const { stack, token } = await stackWithToken(t, { name: 'unaccounted' });
	await stack.haward.stop();
	assert.equal((await stack.get('/orders/unseen', bearer(token))).status, 503);
	await stack.startHaward();
	await stack.flowing();
	const event = await eventually('the unaccounted request', async () => (await stack.book()).find((e) => e.kind === 'unaccounted' && e.path === '/orders/unseen'), { ms: 15000, every: 200 });
	assert.equal(event.outcome.status, 503);
});

test('SPOP over a UNIX socket', async (t) => {
	const { stack, token } = await stackWithToken(t, { name: 'unix', unix: true });
	const answer = await stack.get('/orders/1', bearer(token));
	assert.equal(answer.status, 200);
	assert.equal((await stack.get('/orders/1')).status, 401);
	await stack.event(answer.headers['haward-event']);
	await stack.haward.stop();
	assert.equal((await stack.get('/orders/1', bearer(token))).status, 503);
	await stack.startHaward();
	await eventually('traffic to flow again', async () => (await stack.get('/orders/1', bearer(token))).status === 200);
});

test('SIGHUP takes a changed policy file, and keeps the running one when the new one is wrong', async (t) => {
	const fs = await import('node:fs');
	const { stack, token } = await stackWithToken(t, { name: 'reload' });
	const text = fs.readFileSync(stack.policyFile, 'utf8');
	assert.equal((await stack.get('/orders/1', bearer(token))).status, 200);
	fs.writeFileSync(stack.policyFile, text.replace('"GET"', '"PATCH"'));
	stack.haward.signal('SIGHUP');
	await eventually('the new policy', async () => (await stack.get('/orders/1', bearer(token))).status === 403, { ms: 5000 });
	fs.writeFileSync(stack.policyFile, text.replace('"rules"', '"rulez"'));
	stack.haward.signal('SIGHUP');
	await sleep(500);
	assert.equal((await stack.get('/orders/1', bearer(token))).status, 403);
	assert.match(stack.haward.output(), /rulez|rules/);
	fs.writeFileSync(stack.policyFile, text);
	stack.haward.signal('SIGHUP');
	await eventually('the first policy again', async () => (await stack.get('/orders/1', bearer(token))).status === 200, { ms: 5000 });
});
