// DPoP proofs made with jose: what a client with a key of its own sends beside its token.
import crypto from 'node:crypto';
import * as jose from 'jose';
import { now } from './issuer.mjs';

export async function makeClient(alg = 'ES256') {
	const { publicKey, privateKey } = await jose.generateKeyPair(alg, { extractable: true });
	const jwk = await jose.exportJWK(publicKey);
	return { alg, privateKey, jwk, jkt: await jose.calculateJwkThumbprint(jwk, 'sha256'), secret: (await jose.exportJWK(privateKey)).d };
}

export const sha256 = (bytes) => crypto.createHash('sha256').update(bytes).digest('base64url');

// claims and header: what is different from a good proof; undefined leaves a member out.
export function prove(client, token, htm, htu, { claims = {}, header = {}, key = client.privateKey } = {}) {
	const payload = { jti: crypto.randomUUID(), htm, htu, ath: sha256(token), iat: now(), ...claims };
	return new jose.SignJWT(payload).setProtectedHeader({ typ: 'dpop+jwt', alg: client.alg, jwk: client.jwk, ...header }).sign(key);
}

export const dpop = (token, proof) => ({ authorization: `DPoP ${token}`, ...(proof ? { dpop: proof } : {}) });
