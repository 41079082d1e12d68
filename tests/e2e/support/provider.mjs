// A real OpenID provider (npm's oidc-provider, certified): its own sign-in pages, sessions, tokens and logout. It takes
// any name and password. It counts what is asked at its token endpoint and can be made to fail there.
import http from 'node:http';
import { Provider } from 'oidc-provider';
import { makeKey } from './issuer.mjs';
import { freePorts } from './ports.mjs';

export async function startProvider({ app, ttl = {}, clients = {}, options = {}, port }) {
	port ??= (await freePorts(1))[0];
	const issuer = `http://127.0.0.1:${port}`;
	const key = await makeKey('RS256', 'provider');
	const { exportJWK } = await import('jose');
	const provider = new Provider(issuer, {
		jwks: { keys: [{ ...(await exportJWK(key.privateKey)), kid: key.kid, alg: 'RS256', use: 'sig' }] },
		clients: [{
			client_id: 'orders-web', client_secret: 'a secret / of the client', redirect_uris: [`${app}/.haward/callback`],
			post_logout_redirect_uris: [`${app}/`], backchannel_logout_uri: `${app}/.haward/backchannel-logout`,
			backchannel_logout_session_required: true, grant_types: ['authorization_code', 'refresh_token'], ...clients,
		}],
		cookies: { keys: ['of the tests'] },
		pkce: { required: () => true },
		features: { backchannelLogout: { enabled: true }, devInteractions: { enabled: true } },
		claims: { openid: ['sub', 'sid'], email: ['email'] },
		conformIdTokenClaims: false,
		issueRefreshToken: async () => true,
		findAccount: async (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id, email: `${id}@example.com` }) }),
		...options,
		ttl: { AccessToken: 3600, IdToken: 3600, RefreshToken: 86400, Session: 86400, Grant: 86400, Interaction: 600, ...ttl },
	});
	const state = { tokenRequests: [], fail: null, delay: 0, backchannel: [], pages: new Map() };
	provider.on('backchannel.error', (ctx, error, client, account) => state.backchannel.push(`${account}: ${error.message}`));
	provider.on('backchannel.success', (ctx, client, account) => state.backchannel.push(account));
	provider.on('server_error', (ctx, error) => { state.error = error; });
	provider.on('grant.success', (ctx) => state.sid?.(ctx.oidc.entities.AuthorizationCode?.sid));
	const answer = provider.callback();
	const server = http.createServer(async (req, res) => {
		const page = state.pages.get(req.url); // pages of the test, at the provider's origin
		if (page) return void res.writeHead(200, { 'content-type': 'text/html' }).end(page);
		if (await state.answer?.(req, res)) return;
		if (req.url === '/token') {
			state.tokenRequests.push({ at: Date.now(), authorization: req.headers.authorization });
			if (state.delay) await new Promise((resolve) => { setTimeout(resolve, state.delay); });
			if (state.fail) return void state.fail(req, res);
		}
		return void answer(req, res);
	});
	await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
	return {
		issuer, state, provider, key,
		stop: () => new Promise((resolve) => { server.closeAllConnections?.(); server.close(resolve); }),
	};
}
