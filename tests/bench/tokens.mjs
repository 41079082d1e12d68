// tokens.mjs DIR N - keys and a policy set for the bench in DIR, and N tokens, one a line, in DIR/tokens:
// each another user, each signed on its own (RS256, 2048 bits). 100 policies, or POLICIES of them.
import { sign, createPrivateKey } from 'node:crypto';
import { createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AUDIENCE, ISSUER, makeKeys } from '../../haproxy-examples/demo/issuer.mjs';

const [, , dir, count, policies = '100'] = process.argv;
makeKeys(dir);
const { keys: [jwk] } = JSON.parse(readFileSync(join(dir, 'jwks.json'), 'utf8'));
const key = createPrivateKey(readFileSync(join(dir, 'issuer.key.pem')));
const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const head = encode({ alg: 'RS256', typ: 'at+jwt', kid: jwk.kid });
const now = Math.floor(Date.now() / 1000);

const out = createWriteStream(join(dir, 'tokens'));
for (let i = 0; i < Number(count); i++) {
	const text = `${head}.${encode({ iss: ISSUER, aud: AUDIENCE, sub: `user-${i}`, scope: 'orders:read', iat: now, exp: now + 7200 })}`;
	out.write(`${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}\n`);
}
out.end();

// The request of the bench matches the last policy; all the others are of the same service.
const policy = (i) => ({
	name: `policy-${i}`, action: 'ALLOW', services: ['orders'],
	rules: [{
		from: [{ source: { requestPrincipals: [`${ISSUER}/*`] } }],
		to: [{ operation: { methods: ['GET'], paths: [i === 0 ? '/orders/{id}' : `/orders/{id}/part-${i}/{**}`] } }],
		when: [{ key: 'request.auth.claims[scope]', values: ['orders:read'] }],
	}],
});
writeFileSync(join(dir, 'policy.json'), JSON.stringify({
	apiVersion: 'haward/v1', defaultAction: 'DENY',
	issuers: [{ name: 'bench', issuer: ISSUER, audiences: [AUDIENCE], jwksFile: join(dir, 'jwks.json'), algorithms: ['RS256'] }],
	services: [{ name: 'orders', paths: ['/orders', '/orders/{**}'] }],
	policies: Array.from({ length: Number(policies) }, (_, i) => policy(i)).reverse(),
}));
