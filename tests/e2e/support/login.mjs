// The example oidc-login as a policy set for a provider of the tests, and a small browser: cookies and redirects alone.
import fs from 'node:fs';
import path from 'node:path';
import { request } from './http.mjs';
import { examples } from './where.mjs';

export function loginPolicy(stack, provider, login = {}) {
	const text = fs.readFileSync(path.join(examples, 'oidc-login/policy.json'), 'utf8');
	const set = JSON.parse(text.replaceAll('https://idp.example', provider.issuer).replaceAll('127.0.0.1:8080', stack.edge));
	const secret = path.join(stack.dir, 'client.secret');
	fs.writeFileSync(secret, 'a secret / of the client\n', { mode: 0o600 });
	Object.assign(set.logins[0], { clientSecretFile: secret }, login);
	return set;
}

export const page = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
export const script = { accept: 'application/json', 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'same-origin' };

// Keeps cookies by origin, as a browser does for hosts that are all 127.0.0.1: by name, so ports share them.
export class Jar {
	cookies = new Map();

	header() {
		return this.cookies.size ? { cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ') } : {};
	}

	keep(response) {
		for (const line of response.headers['set-cookie'] ?? []) {
			const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
			if (/max-age=0|expires=Thu, 01 Jan 1970/i.test(line)) this.cookies.delete(name);
			else this.cookies.set(name, value);
		}
		return response;
	}

	async get(url, headers = page, options = {}) {
		return this.keep(await request(url, { headers: { ...this.header(), ...headers }, ...options }));
	}

	// Follows redirects; until: stops before the first address that it says true of.
	async follow(url, { until = () => false, max = 20 } = {}) {
		let at = url;
		for (let i = 0; i < max; i++) {
			if (i > 0 && until(at)) return { url: at };
			const response = await this.get(at);
			if (!response.headers.location) return { url: at, response };
			at = new URL(response.headers.location, at).href;
		}
		throw new Error(`too many redirects at ${at}`);
	}

	// Signs in at the provider's own pages, up to the way back, which is not gone.
	async signInAtProvider(url, user) {
		const isBack = (at) => at.includes('/.haward/callback');
		let { url: at, response } = await this.follow(url, { until: isBack });
		for (let i = 0; i < 4 && response; i++) {
			const action = /action="([^"]+)"/.exec(response.text)?.[1].replaceAll('&amp;', '&');
			const prompt = /name="prompt" value="([^"]+)"/.exec(response.text)?.[1];
			if (!action) throw new Error(`no form at ${at}: ${response.status} ${response.text.slice(0, 500)}`);
			const body = new URLSearchParams(prompt === 'login' ? { prompt, login: user, password: 'any' } : { prompt }).toString();
			const posted = this.keep(await request(action, { method: 'POST', body, headers: { ...this.header(), ...page, 'content-type': 'application/x-www-form-urlencoded' } }));
			at = new URL(posted.headers.location, action).href;
			if (isBack(at)) return at;
			({ url: at, response } = await this.follow(at, { until: isBack }));
		}
		return at;
	}

	async signIn(url, user) {
		const back = await this.signInAtProvider(url, user);
		return this.get(back);
	}
}
