// An issuer made with jose, a JOSE implementation that shares no code with Haward, and a JWKS server
// whose keys can be rotated and which can go away.
import http from 'node:http';
import * as jose from 'jose';

export const ISSUER = 'https://issuer.example';
export const AUDIENCE = 'orders-api';
export const now = () => Math.floor(Date.now() / 1000);

export async function makeKey(alg = 'RS256', kid = `${alg}-${Math.random().toString(36).slice(2)}`) {
	const { publicKey, privateKey } = await jose.generateKeyPair(alg, { modulusLength: 2048, extractable: true });
	return { alg, kid, publicKey, privateKey, jwk: { ...(await jose.exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

export const jwksOf = (...keys) => ({ keys: keys.map((key) => key.jwk) });

export function claims(sub = 'alice', extra = {}) {
	return { iss: ISSUER, aud: AUDIENCE, sub, scope: 'orders:read', iat: now(), exp: now() + 600, ...extra };
}

export function mint(key, payload = claims(), header = {}) {
	return new jose.SignJWT(payload).setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header }).sign(key.privateKey);
}

const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

export const unsecured = (payload = claims(), header = { alg: 'none', typ: 'JWT' }) => `${encode(header)}.${encode(payload)}.`;

// RS256's public key used as an HMAC secret: the classic confusion of algorithms.
export async function confused(key, payload = claims()) {
	const pem = await jose.exportSPKI(key.publicKey);
	return new jose.SignJWT(payload).setProtectedHeader({ alg: 'HS256', kid: key.kid, typ: 'at+jwt' }).sign(Buffer.from(pem));
}

export async function startJwksServer(initial, { port = 0, maxAge = 300 } = {}) {
	const state = { jwks: initial, hits: 0, broken: false };
	const server = http.createServer((req, res) => {
		state.hits++;
		if (state.broken) {
			res.writeHead(500).end('broken');
			return;
		}
		res.writeHead(200, { 'content-type': 'application/json', 'cache-control': `max-age=${maxAge}` });
		res.end(JSON.stringify(state.jwks));
	});
	await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
	const bound = server.address().port;
	return {
		state,
		url: `http://127.0.0.1:${bound}/jwks.json`,
		port: bound,
		stop: () => new Promise((resolve) => { server.closeAllConnections?.(); server.close(resolve); }),
	};
}
