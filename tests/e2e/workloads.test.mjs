// Certificates as OpenSSL's command line makes them, good and bad, judged by `haward workload check`.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { run } from './support/proc.mjs';
import { sanitizers } from './support/stack.mjs';
import { haward, tempDir } from './support/where.mjs';

const AUTHORITY = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];
const SVID = ['basicConstraints=critical,CA:FALSE', 'keyUsage=critical,digitalSignature'];
const id = (uri = 'spiffe://a.example/cart') => `subjectAltName=URI:${uri}`;

let dir;
const openssl = (...args) => execFileSync('openssl', args, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
const key = (name) => fs.existsSync(path.join(dir, `${name}.key`)) || openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`);

function root(name) {
	key(name);
	openssl('req', '-x509', '-new', '-key', `${name}.key`, '-subj', `/CN=${name}`, '-days', '2', '-out', `${name}.crt`, ...AUTHORITY.flatMap((one) => ['-addext', one]));
}

// NAME.crt by BY.crt; of: whose key it is for; by null: signed by itself
function sign(name, by, extensions, { days = '1', of = name, subject = of, digest = 'sha256' } = {}) {
	key(of);
	fs.writeFileSync(path.join(dir, 'ext'), `${extensions.join('\n')}\n`);
	openssl('req', '-new', '-key', `${of}.key`, '-subj', `/CN=${subject}`, '-out', 'req');
	const signer = by ? ['-CA', `${by}.crt`, '-CAkey', `${by}.key`, '-CAcreateserial'] : ['-signkey', `${of}.key`];
	openssl('x509', '-req', '-in', 'req', ...signer, '-days', days, `-${digest}`, '-out', `${name}.crt`, '-extfile', 'ext');
}
const der = (name) => openssl('x509', '-in', `${name}.crt`, '-outform', 'DER').toString('base64');

async function check(lines, args = []) {
	const found = await run(haward, ['workload', 'check', ...args], { input: lines.map((line) => `${line}\n`).join(''), env: sanitizers });
	assert.equal(found.code, 0, found.stderr);
	const answers = found.stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));
	assert.equal(answers.length, lines.length);
	for (const one of answers) assert.deepEqual(Object.keys(one), ['valid', 'spiffe_id', 'reason']);
	return { answers, stderr: found.stderr };
}

before(() => {
	dir = tempDir(null, 'workloads');
	root('a');
	root('b');
	sign('middle', 'a', AUTHORITY);
	sign('middle-by-b', 'b', AUTHORITY, { of: 'middle' });
	sign('weak-middle', 'a', ['basicConstraints=critical,CA:FALSE', 'keyUsage=critical,keyCertSign'], { of: 'weak-middle' });
	sign('named-middle', 'a', [...AUTHORITY, 'nameConstraints=critical,permitted;URI:b.example']);
	const bundle = (name) => fs.readFileSync(path.join(dir, `${name}.crt`), 'utf8');
	fs.writeFileSync(path.join(dir, 'policy.json'), JSON.stringify({
		trustDomains: [
			{ name: 'a.example', bundleFile: 'a.crt' },
			{ name: 'b.example', bundle: { keys: [{ kty: 'EC', use: 'x509-svid', x5c: [bundle('b').replace(/-----[A-Z ]+-----|\n/g, '')] }] } },
			{ name: 'url.example', bundleUrl: 'https://bundles.invalid/' },
		],
		certificateIdentities: [{ dns: '*.old.example', workload: 'spiffe://old.example/*' }],
	}));
});
after(() => fs.rmSync(dir, { recursive: true, force: true }));

test('SPIFFE IDs', async () => {
	const long = (n) => `spiffe://a.example/${'x'.repeat(n - 19)}`;
	const good = ['spiffe://a.example', 'spiffe://a.example/a', 'spiffe://a-b_c.1/A.b-c_9/d', 'spiffe://a/...', long(2048), `spiffe://${'d'.repeat(255)}/a`];
	const bad = ['', ' ', 'a', 'spiffe://', 'spiffe:///a', 'spiffe:/a/b', 'a.example/b', 'https://a.example/b', 'SPIFFE://a.example/a', 'spiffe://A.example/a',
		'spiffe://a.example/', 'spiffe://a.example/a/', 'spiffe://a.example//a', 'spiffe://a.example/./a', 'spiffe://a.example/..', 'spiffe://a.example/%61',
		'spiffe://a.example:1/a', 'spiffe://u@a.example/a', 'spiffe://a.example/a?b', 'spiffe://a.example/a#b', 'spiffe://a.example/a b', 'spiffe://a.example/ä',
		' spiffe://a.example/a', 'spiffe://a.example/a ', long(2049), `spiffe://${'d'.repeat(256)}/a`];
	const { answers } = await check([...good, ...bad]);
	answers.forEach((one, i) => {
		if (i < good.length) assert.deepEqual(one, { valid: true, spiffe_id: good[i], reason: 'valid' });
		else assert.deepEqual([one.valid, one.spiffe_id], [false, null], bad[i - good.length]);
	});
});

test('leaves and chains', async () => {
	const leaf = (name, by, extensions, options) => { sign(name, by, extensions, options); return name; };
	const weak = 'certificate_untrusted', wrong = 'spiffe_id_invalid';
	const rows = [
		['an SVID', [leaf('good', 'a', [id(), ...SVID])]],
		['for both sides of TLS', [leaf('both', 'a', [id(), ...SVID, 'extendedKeyUsage=clientAuth,serverAuth'])]],
		['of the other domain', [leaf('other', 'b', [id('spiffe://b.example/x'), ...SVID])]],
		["the wrong domain's authority", [leaf('foreign', 'b', [id(), ...SVID])], weak],
		['an authority between', [leaf('deep', 'middle', [id(), ...SVID]), 'middle']],
		['the same, and the root', ['deep', 'middle', 'a']],
		['the same, in disorder', ['deep', 'a', 'middle']],
		['the same, and what is not of it', ['deep', 'b', 'middle']],
		['the same, missing', ['deep'], weak],
		['the same by the other root', ['deep', 'middle-by-b'], weak],
		['cross-signed', [leaf('cross', 'middle', [id('spiffe://b.example/x'), ...SVID]), 'middle-by-b']],
		['cross-signed, the other way', ['cross', 'middle'], weak],
		['an authority that is none', [leaf('weak', 'weak-middle', [id(), ...SVID]), 'weak-middle'], weak],
		['outside the names of its authority', [leaf('named', 'named-middle', [id(), ...SVID]), 'named-middle'], weak],
		['signed by itself', [leaf('self', null, [id(), ...SVID])], weak],
		['SHA-1', [leaf('sha1', 'a', [id(), ...SVID], { digest: 'sha1' })], weak],
		['an unknown domain', [leaf('unknown', 'a', [id('spiffe://c.example/x'), ...SVID])], 'trust_domain_unknown'],
		['a domain whose bundle is not here', [leaf('url', 'a', [id('spiffe://url.example/x'), ...SVID])], 'trust_bundle_unavailable'],
		['an authority as a leaf', ['a'], wrong],
		['an authority with an ID', [leaf('ca', 'a', [id(), ...AUTHORITY])], wrong],
		['two URIs', [leaf('two', 'a', [`${id()},URI:https://x/y`, ...SVID])], wrong],
		['two IDs', [leaf('ids', 'a', [`${id()},URI:spiffe://a.example/y`, ...SVID])], wrong],
		['a domain alone', [leaf('domain', 'a', [id('spiffe://a.example'), ...SVID])], wrong],
		['capitals', [leaf('capitals', 'a', [id('spiffe://A.example/cart'), ...SVID])], wrong],
		['no key usage', [leaf('usage', 'a', [id(), SVID[0]])], wrong],
		['key usage that is not critical', [leaf('critical', 'a', [id(), SVID[0], 'keyUsage=digitalSignature'])], wrong],
		['signs certificates', [leaf('signs', 'a', [id(), SVID[0], 'keyUsage=critical,digitalSignature,keyCertSign'])], wrong],
		['for servers alone', [leaf('server', 'a', [id(), ...SVID, 'extendedKeyUsage=serverAuth'])], wrong],
		['no name', [leaf('nobody', 'a', SVID)], wrong],
		['a name by rule', [leaf('old', 'b', ['subjectAltName=DNS:pay.old.example', ...SVID])]],
	];
	const lines = rows.map(([, names]) => names.map(der).join(','));
	const { answers } = await check(lines, ['--policy', path.join(dir, 'policy.json')]);
	const names = { other: 'spiffe://b.example/x', cross: 'spiffe://b.example/x', old: 'spiffe://old.example/pay' };
	rows.forEach(([what, [first], reason], i) => {
		const wanted = reason ? { valid: false, spiffe_id: null, reason } : { valid: true, spiffe_id: names[first] ?? 'spiffe://a.example/cart', reason: 'valid' };
		assert.deepEqual(answers[i], wanted, what);
	});

	const later = String(Math.floor(Date.now() / 1000) + 2 * 86400), sooner = String(Math.floor(Date.now() / 1000) - 3600);
	for (const now of [later, sooner]) {
		const { answers: [one] } = await check([der('good')], ['--policy', path.join(dir, 'policy.json'), '--now', now]);
		assert.equal(one.reason, 'certificate_expired');
	}

	// without a policy set the links of a chain are still looked at
	const alone = await check([['good'], ['foreign'], ['deep', 'middle'], ['deep', 'middle', 'a'], ['deep', 'b'], ['two']].map((chain) => chain.map(der).join(',')));
	assert.deepEqual(alone.answers.map((one) => one.valid), [true, true, true, true, false, false]);
});

test('what is neither is answered, and named by its line', async () => {
	const { answers, stderr } = await check(['spiffe://a.example/a', 'AAAA', `${der('good')},`, `${der('good')},!`, `${der('good')},AAAA`, 'MIIB=', 'x'.repeat(300000)]);
	assert.deepEqual(answers.map((one) => one.valid), [true, false, false, false, false, false, false]);
	for (const line of [3, 6, 7]) assert.match(stderr, new RegExp(`line ${line}: `));
	assert.doesNotMatch(stderr, /line 1: /);
});

test('a policy set that is none, and words that are not understood', async () => {
	fs.writeFileSync(path.join(dir, 'bad.json'), JSON.stringify({ trustDomains: [{ name: 'a.example', bundleFile: 'nobody.pem' }] }));
	const bad = await run(haward, ['workload', 'check', '--policy', path.join(dir, 'bad.json')]);
	assert.equal(bad.code, 1);
	assert.match(bad.stderr, /\/trustDomains\/0\/bundleFile.*nobody\.pem cannot be read/);
	for (const args of [[], ['verify'], ['check', 'check'], ['check', '--now', 'noon'], ['check', '--nope']])
		assert.equal((await run(haward, ['workload', ...args])).code, 64, args.join(' '));
	assert.equal((await run(haward, ['workload', 'check', '--policy', path.join(dir, 'missing.json')])).code, 1);
});
