// The demo issuer: a fresh RSA key, its public half as a JWK set, and tokens signed with it.
//
//   node issuer.mjs keys DIR                        writes DIR/issuer.key.pem and DIR/jwks.json
//   node issuer.mjs token DIR SUBJECT [SCOPES [S]]  prints a token, valid S seconds (900)
//
// For trying things out: whoever can read the key file can be anybody.
import { createHash, createSign, generateKeyPairSync, randomUUID } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const ISSUER = 'https://issuer.example';
export const AUDIENCE = 'orders-api';

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function thumbprint({ e, kty, n }) {
	return createHash('sha256').update(JSON.stringify({ e, kty, n })).digest('base64url');
}

export function makeKeys(dir) {
	const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
	const jwk = publicKey.export({ format: 'jwk' });
	const jwks = { keys: [{ ...jwk, kid: thumbprint(jwk), alg: 'RS256', use: 'sig' }] };
	writeFileSync(join(dir, 'issuer.key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
	writeFileSync(join(dir, 'jwks.json.new'), `${JSON.stringify(jwks, null, 2)}\n`);
	renameSync(join(dir, 'jwks.json.new'), join(dir, 'jwks.json'));
}

export function mintToken(dir, subject, scopes = 'orders:read', seconds = 900) {
	const { kid } = JSON.parse(readFileSync(join(dir, 'jwks.json'), 'utf8')).keys[0];
	const now = Math.floor(Date.now() / 1000);
	const claims = {
		iss: ISSUER, aud: AUDIENCE, sub: subject, scope: scopes, client_id: 'demo',
		iat: now, exp: now + Number(seconds), jti: randomUUID(),
	};
	const signed = `${encode({ alg: 'RS256', typ: 'at+jwt', kid })}.${encode(claims)}`;
	const signature = createSign('sha256').update(signed).sign(readFileSync(join(dir, 'issuer.key.pem')));
	return `${signed}.${signature.toString('base64url')}`;
}

function main([command, dir, ...rest]) {
	if (command === 'keys' && dir) return makeKeys(dir);
	if (command === 'token' && dir && rest.length > 0) return console.log(mintToken(dir, ...rest));
	console.error('usage: node issuer.mjs keys DIR | token DIR SUBJECT [SCOPES [SECONDS]]');
	return process.exit(2);
}
if (process.argv[1]?.endsWith('issuer.mjs')) main(process.argv.slice(2));
