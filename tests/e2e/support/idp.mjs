// A small identity provider that can be told to misbehave: its discovery document, its keys, and everything anybody asks of it.
import http from 'node:http';

const json = { 'content-type': 'application/json' };

export class Idp {
	static async start(t, jwks, { path = '', port = 0 } = {}) {
		const idp = new Idp();
		Object.assign(idp, { jwks, path, asked: [], document: null, answerKeys: null, keysPath: '/keys' });
		idp.server = http.createServer((req, res) => idp.answer(req, res));
		await new Promise((resolve, reject) => idp.server.once('error', reject).listen(port, '127.0.0.1', resolve));
		idp.port = idp.server.address().port;
		idp.issuer = `http://127.0.0.1:${idp.port}${path}`;
		t?.after?.(() => idp.stop());
		return idp;
	}

	answer(req, res) {
		this.asked.push(req.url);
		if (req.url === `${this.path}/.well-known/openid-configuration`) {
			if (this.document === 'none') return res.writeHead(404).end();
			return res.writeHead(200, json).end(JSON.stringify(this.document ?? this.good()));
		}
		if (req.url === `/.well-known/oauth-authorization-server${this.path}` && this.oauth) return res.writeHead(200, json).end(JSON.stringify(this.good()));
		if (req.url !== this.keysPath) return res.writeHead(404).end();
		if (this.answerKeys) return this.answerKeys(req, res);
		return res.writeHead(200, { ...json, 'cache-control': 'max-age=300' }).end(JSON.stringify(this.jwks));
	}

	good = () => ({ issuer: this.issuer, jwks_uri: `http://127.0.0.1:${this.port}${this.keysPath}` });

	count = (path) => this.asked.filter((url) => url === path).length;

	stop = () => new Promise((resolve) => { this.server.closeAllConnections?.(); this.server.close(resolve); });
}
