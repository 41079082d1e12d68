// A policy asks for more than the session's sign-in: a page goes to the provider for it and comes back with a new session;
// a provider that does not do as it is asked leaves things as they were, and nobody goes around in circles.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { interactionPolicy } from 'oidc-provider';
import { request } from './support/http.mjs';
import { Jar, loginPolicy, page, script } from './support/login.mjs';
import { startProvider } from './support/provider.mjs';
import { Stack } from './support/stack.mjs';
import { sleep } from './support/wait.mjs';

const STRONG = 'urn:example:mfa';
let provider, stack;
let deaf = false; // the provider passes acr_values over

// Signs in again when a request wants a way that the session was not signed in by: what acr_values is for, but voluntary.
function prompts() {
	const { base, Check } = interactionPolicy;
	const policy = base();
	policy.get('login').checks.add(new Check('acr_wanted', 'another way to sign in is asked for', 'login_required', (ctx) => {
		const wanted = ctx.oidc.params.acr_values?.split(' ') ?? [];
		const met = wanted.length === 0 || deaf || wanted.includes(ctx.oidc.session.acr);
		return met ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT;
	}));
	return policy;
}

const options = {
	acrValues: [STRONG],
	claims: { openid: ['sub', 'sid'], email: ['email'], acr: null, auth_time: null },
	features: { backchannelLogout: { enabled: true }, devInteractions: { enabled: false } },
	interactions: { url: (ctx, interaction) => `/sign-in/${interaction.uid}`, policy: prompts() },
	// whoever signed in has agreed
	async loadExistingGrant(ctx) {
		const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
		grant.addOIDCScope('openid email');
		await grant.save();
		return grant;
	},
};

// The page of the provider where people sign in: it knows alice, and does as it is asked.
async function signInPage(req, res) {
	if (!req.url.startsWith('/sign-in/')) return false;
	const { params } = await provider.provider.interactionDetails(req, res);
	const acr = params.acr_values && !deaf ? params.acr_values.split(' ')[0] : undefined;
	await provider.provider.interactionFinished(req, res, { login: { accountId: 'alice', acr, ts: Math.floor(Date.now() / 1000) } });
	return true;
}

before(async () => {
	stack = await Stack.up(null, {
		name: 'stepup-login', example: 'oidc-login', settings: { spop: { workers: 2 } },
		policy: async (s) => {
			provider = await startProvider({ app: s.url, options });
			provider.state.answer = signInPage;
			const set = loginPolicy(s, provider);
			const rule = (paths, authentication) => ({ to: [{ operation: { methods: ['GET'], paths } }], authentication });
			const [open] = set.policies[0].rules;
			open.to[0].operation = { methods: ['GET'], notPaths: ['/orders/strong/{**}', '/orders/fresh/{**}'] };
			set.policies.push({ name: 'with-more', action: 'ALLOW', services: ['orders'],
				rules: [rule(['/orders/strong/{**}'], { acrValues: [STRONG] }), rule(['/orders/fresh/{**}'], { maxAge: 2 })] });
			return set;
		},
	});
});

after(async () => {
	await stack?.down();
	await provider?.stop();
});

const event = (response) => stack.event(response.headers['haward-event']);
const isBack = (url) => url.includes('/.haward/callback');

// Through the provider to the way back, and over it. The pages of this provider sign in by themselves.
async function goOn(jar, location) {
	const { url } = await jar.follow(location, { until: isBack });
	return jar.get(url);
}

async function signedIn() {
	const jar = new Jar();
	const back = await goOn(jar, (await jar.get(`${stack.url}/orders/1`)).headers.location);
	assert.equal(back.status, 302);
	assert.equal((await jar.get(`${stack.url}/orders/1`)).status, 200);
	return jar;
}

test('a page is sent to sign in better, comes back with a new session, and the old one is over', async () => {
	const jar = await signedIn();
	const old = jar.cookies.get('haward');
	const sent = await jar.get(`${stack.url}/orders/strong/1?x=1`);
	assert.equal(sent.status, 302);
	const asked = new URL(sent.headers.location).searchParams;
	assert.equal(asked.get('acr_values'), STRONG);
	assert.equal(asked.get('max_age'), null);
	const told = await event(sent);
	assert.deepEqual([told.verdict, told.reason, told.user], ['redirect', 'step_up_required', 'alice']);
	const back = await goOn(jar, sent.headers.location);
	assert.equal(back.status, 302);
	assert.equal(back.headers.location, '/orders/strong/1?x=1');
	assert.equal((await jar.get(`${stack.url}/orders/strong/1?x=1`)).status, 200);
	assert.notEqual(jar.cookies.get('haward'), old);
	const stale = await request(`${stack.url}/orders/1`, { headers: { ...page, cookie: `haward=${old}` } });
	assert.equal(stale.status, 302);
	assert.equal((await event(stale)).reason, 'session_expired');
	assert.equal((await jar.get(`${stack.url}/orders/1`)).status, 200, 'the new one is good for all');
});

test('a sign-in that is too long ago is made anew', async () => {
	const jar = await signedIn();
	await sleep(3100);
	const sent = await jar.get(`${stack.url}/orders/fresh/1`);
	assert.equal(sent.status, 302);
	assert.equal(new URL(sent.headers.location).searchParams.get('max_age'), '2');
	assert.equal((await goOn(jar, sent.headers.location)).status, 302);
	assert.equal((await jar.get(`${stack.url}/orders/fresh/1`)).status, 200);
});

test('a script is told what to ask for, and stays where it is', async () => {
	const jar = await signedIn();
	const told = await jar.get(`${stack.url}/orders/strong/1`, script);
	assert.equal(told.status, 401);
	assert.match(told.headers['www-authenticate'], /error="insufficient_user_authentication".*acr_values="urn:example:mfa"/);
	assert.equal(told.headers.location, undefined);
	assert.equal(told.headers['set-cookie'], undefined);
});

test('a provider that passes it over: refused once, with the session as it was', async () => {
	deaf = true;
	try {
		const jar = await signedIn();
		const old = jar.cookies.get('haward');
		const sent = await jar.get(`${stack.url}/orders/strong/1`);
		const back = await goOn(jar, sent.headers.location);
		assert.equal(back.status, 403);
		const told = await event(back);
		assert.deepEqual([told.verdict, told.reason], ['deny', 'step_up_not_met']);
		assert.equal(jar.cookies.get('haward'), old);
		assert.equal((await jar.get(`${stack.url}/orders/1`)).status, 200);
	} finally {
		deaf = false;
	}
});

test('who is not signed in signs in first', async () => {
	const sent = await new Jar().get(`${stack.url}/orders/strong/1`);
	assert.equal(sent.status, 302);
	assert.equal((await event(sent)).reason, 'login_required');
});
