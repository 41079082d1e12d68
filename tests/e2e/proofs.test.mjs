// Checkpoints and proofs of a living book, made and checked by the command line; the signature and the root also by
// another implementation, Node's own crypto.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { bearer } from './support/http.mjs';
import { claims, jwksOf, makeKey, mint } from './support/issuer.mjs';
import { issuerEntry, policySet } from './support/policies.mjs';
import { run } from './support/proc.mjs';
import { Stack } from './support/stack.mjs';
import { tempDir } from './support/where.mjs';

const dir = tempDir(null, 'proofs');
const at = (name) => path.join(dir, name);
let stack, headers;

const ask = async (n) => {
	let last;
	for (let i = 0; i < n; i++) last = (await stack.get(`/orders/${i}`, headers)).headers['haward-event'];
	return stack.event(last);
};
const audit = (...args) => stack.cli(['audit', ...args]);
const good = async (...args) => {
	const found = await audit(...args);
	assert.equal(found.code, 0, found.stderr);
	return found.stdout;
};
const bad = async (code, message, ...args) => {
	const found = await audit(...args);
	assert.equal(found.code, code, found.stdout + found.stderr);
	assert.match(found.stdout + found.stderr, message);
};

before(async () => {
	const key = await makeKey();
	stack = await Stack.up(null, { name: 'proofs', policy: policySet(issuerEntry({ jwks: jwksOf(key) })) });
	headers = bearer(await mint(key, claims('alice')));
	for (const name of ['audit', 'other']) {
		for (const args of [['genpkey', '-algorithm', 'ed25519', '-out', at(`${name}.key`)], ['pkey', '-in', at(`${name}.key`), '-pubout', '-out', at(`${name}.pub`)]]) {
			assert.equal((await run('openssl', args)).code, 0);
		}
	}
});
after(async () => {
	await stack?.down();
	fs.rmSync(dir, { recursive: true, force: true });
});

test('a checkpoint is a signed note, and the running book begins with it', async () => {
	await ask(20);
	await good('checkpoint', '--data', stack.dataDir, '--key', at('audit.key'), '--output', at('first'));
	const text = fs.readFileSync(at('first'), 'utf8');
	const [body, signature] = text.split('\n\n');
	const [origin, size, root] = body.split('\n');
	assert.match(origin, /^haward\/[0-9a-f]{32}$/);
	assert.ok(Number(size) >= 20);
	assert.equal(Buffer.from(root, 'base64').length, 32);
	const bytes = Buffer.from(/^\u2014 haward (\S+)\n$/.exec(signature)[1], 'base64');
	const key = crypto.createPublicKey(fs.readFileSync(at('audit.pub')));
	assert.ok(crypto.verify(null, Buffer.from(`${body}\n`), key, bytes.subarray(4)));
	const raw = key.export({ format: 'der', type: 'spki' }).subarray(-32);
	assert.deepEqual(bytes.subarray(0, 4), crypto.createHash('sha256').update('haward\n\x01').update(raw).digest().subarray(0, 4));
	await ask(5);
	const found = await good('verify', '--data', stack.dataDir, '--checkpoint', at('first'), '--public-key', at('audit.pub'));
	assert.match(found, /^chain holds$/m);
	assert.match(found, /^checkpoint holds$/m);
	assert.match(found, new RegExp(`^checkpoint_records ${size}$`, 'm'));
});

test('an event and the growth of the book are proved without the book', async () => {
	const event = await ask(9);
	await good('checkpoint', '--data', stack.dataDir, '--key', at('audit.key'), '-o', at('second'));
	const keys = ['--public-key', at('audit.pub')];
	await good('prove', '--data', stack.dataDir, '--checkpoint', at('second'), ...keys, '-o', at('event.proof'), event.id);
	const proved = await good('check-proof', ...keys, at('event.proof'));
	const row = JSON.parse(/^event (.*)$/m.exec(proved)[1]);
	assert.deepEqual([row.id, row.user, row.path, row.seq], [event.id, event.user, event.path, event.seq]);

	// The same by hand: the leaf, and up the tree.
	const proof = JSON.parse(fs.readFileSync(at('event.proof'), 'utf8'));
	const hash = (...parts) => crypto.createHash('sha256').update(Buffer.concat(parts)).digest();
	const number = Buffer.alloc(8);
	number.writeBigUInt64BE(BigInt(proof.seq));
	let top = hash(Buffer.of(0), number, Buffer.from(proof.record, 'base64'));
	const [, size, root] = proof.checkpoint.split('\n');
	const climb = (index, n, path) => {
		if (n === 1) return;
		let half = 1;
		while (half * 2 < n) half *= 2;
		const sibling = path.pop();
		climb(index < half ? index : index - half, index < half ? half : n - half, path);
		top = index < half ? hash(Buffer.of(1), top, sibling) : hash(Buffer.of(1), sibling, top);
	};
	climb(Number(proof.seq) - 1, Number(size), proof.hashes.map((h) => Buffer.from(h, 'base64')));
	assert.equal(top.toString('base64'), root);

	await good('prove', '--data', stack.dataDir, '--checkpoint', at('second'), '--since', at('first'), ...keys, '-o', at('growth.proof'));
	assert.match(await good('check-proof', ...keys, at('growth.proof')), /^proof holds$[^]*^since_records \d+$/m);
});

test('a copy of the running book is a book: it verifies, meets the checkpoint, and exports the same rows', async () => {
	const copy = at('copy');
	const found = await good('backup', '--data', stack.dataDir, '--output', copy);
	const n = Number(/^records (\d+)$/m.exec(found)[1]);
	assert.match(await good('verify', '--data', copy, '--checkpoint', at('second'), '--public-key', at('audit.pub')), /^checkpoint holds$/m);
	const rows = (await good('export', '--data', copy, '--format', 'jsonl', '--filter', 'kind:request')).split('\n').filter(Boolean);
	const book = (await stack.book('kind:request')).filter((row) => Number(row.seq) <= n);
	assert.deepEqual(rows.map((row) => JSON.parse(row).id), book.map((row) => row.id));
	await bad(74, /name another directory/, 'backup', '--data', stack.dataDir, '--output', copy);
	await bad(66, /there is no book/, 'backup', '--data', copy + 's', '--output', at('copy2'));
});

test('what does not fit is refused with a reason', async () => {
	const data = ['--data', stack.dataDir];
	const keys = ['--public-key', at('audit.pub')];
	await bad(65, /none of the keys/, 'verify', ...data, '--checkpoint', at('first'), '--public-key', at('other.pub'));
	await bad(65, /none of the keys/, 'check-proof', '--public-key', at('other.pub'), at('event.proof'));
	fs.writeFileSync(at('changed'), fs.readFileSync(at('first'), 'utf8').replace('time 2', 'time 3'));
	await bad(65, /signature is not good/, 'verify', ...data, '--checkpoint', at('changed'), ...keys);
	const proof = JSON.parse(fs.readFileSync(at('event.proof'), 'utf8'));
	fs.writeFileSync(at('changed'), JSON.stringify({ ...proof, seq: String(Number(proof.seq) - 1) }));
	await bad(65, /does not prove/, 'check-proof', ...keys, at('changed'));
	fs.writeFileSync(at('changed'), '{"type":"inclusion"}');
	await bad(65, /no proof/, 'check-proof', ...keys, at('changed'));
	const late = await ask(1);
	await bad(65, /younger than the checkpoint/, 'prove', ...data, '--checkpoint', at('first'), ...keys, late.id);
	await bad(65, /no private Ed25519 key/, 'checkpoint', ...data, '--key', at('audit.pub'));
	await bad(66, /No such file/, 'checkpoint', ...data, '--key', at('nothing'));
	await bad(64, /--public-key is missing/, 'verify', ...data, '--checkpoint', at('first'));
	await bad(64, /either EVENT or --since/, 'prove', ...data, '--checkpoint', at('first'), ...keys);
});
