// One HTTP exchange with everything visible: raw headers out (repeated ones too), all headers in.
import http from 'node:http';
import https from 'node:https';

export function request(url, { method = 'GET', headers = {}, body, agent, timeout = 10000, tls = {} } = {}) {
	return new Promise((resolve, reject) => {
		const make = url.startsWith('https:') ? https : http;
		const req = make.request(url, { method, headers, agent, timeout, ...tls }, (res) => {
			const parts = [];
			res.on('data', (part) => parts.push(part));
			res.on('error', reject);
			res.on('end', () => {
				const bytes = Buffer.concat(parts);
				resolve({
					status: res.statusCode, headers: res.headers, bytes, text: bytes.toString('utf8'),
					json: () => JSON.parse(bytes.toString('utf8')),
				});
			});
		});
		req.on('timeout', () => req.destroy(new Error(`no answer from ${url} in ${timeout} ms`)));
		req.on('error', reject);
		req.end(body);
	});
}

export const bearer = (token) => ({ authorization: `Bearer ${token}` });
