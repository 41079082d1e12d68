// Every reason for a verdict is provoked: through HAProxy in an end-to-end test, or, where HAProxy cannot be brought to it or
// the machine would have to fail, in the unit test that is named here.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const read = (file) => fs.readFileSync(path.join(root, file), 'utf8');

// what a test beside HAProxy shows
const elsewhere = {
	api_keys_unavailable: 'authn/test_apikeys.c', // their table could not be made
	audit_unavailable: 'server/test_server.c', // the journal is full
	authentication_unavailable: 'policy/test_passwords.c', // memory is out, or the store cannot be read
	bad_request: 'policy/test_decide.c', // HAProxy sends no such message
	certificate_invalid: 'authn/test_clientcert.c', // HAProxy takes no such certificate
	internal: 'policy/test_decide.c', // nothing is in force
	overloaded: 'authz/test_authz.c', // there is more to do than the agent may hold
	revocations_unavailable: 'policy/test_decide.c', // their table could not be made
	token_too_large: 'authn/test_authn.c', // HAProxy's buffer is smaller
	unknown_service: 'authz/test_authz.c', // HAProxy names a service that the policy set does not have
};

const reasons = [...read('schema/spoe.md').matchAll(/^\| `([a-z_]+)` \| \d{3} \|/gm)].map(([, name]) => name);
const endToEnd = fs.readdirSync(path.join(root, 'tests/e2e')).filter((file) => file.endsWith('.test.mjs')).map((file) => read(`tests/e2e/${file}`)).join('\n');
const isNamed = (text, name) => new RegExp(`\\b${name}\\b`).test(text);

test('every reason is provoked somewhere', () => {
	assert.ok(reasons.length > 70, `${reasons.length} reasons were read`);
	assert.deepEqual(reasons.filter((name) => !isNamed(endToEnd, name) && !(name in elsewhere)), []);
});

test('what is said to be shown elsewhere is shown there, and there alone', () => {
	for (const [name, file] of Object.entries(elsewhere)) {
		assert.ok(reasons.includes(name), name);
		const text = read(`tests/unit/${file}`);
		assert.ok(isNamed(text, name) || isNamed(text, `REASON_${name.toUpperCase()}`), `${name} in ${file}`);
	}
});
