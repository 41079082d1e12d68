// The demo service behind HAProxy: says which request reached it and as whom, nothing else.
// Usage: node service.mjs [host:port [name [next]]]; the defaults are 127.0.0.1:8081 and orders. With the URL next it
// asks there for each request, as the same user and within the same trace, and says what it got.
import http from 'node:http';

const [address = '127.0.0.1:8081', name = 'orders', next] = process.argv.slice(2);
const [host, port] = address.split(/:(?=\d+$)/);

const ask = (url, { authorization, traceparent }) => new Promise((resolve) => {
	const headers = { ...(authorization && { authorization }), ...(traceparent && { traceparent }) };
	const parts = [];
	http.get(url, { headers, timeout: 5000 }, (res) => {
		res.on('data', (part) => parts.push(part));
		res.on('end', () => {
			const text = Buffer.concat(parts).toString();
			let body = text;
			try { body = JSON.parse(text); } catch { /* not ours: as it is */ }
			resolve({ status: res.statusCode, body });
		});
	}).on('timeout', function late() { this.destroy(new Error('no answer')); }).on('error', (error) => resolve({ status: 0, body: error.message }));
});

const server = http.createServer(async (req, res) => {
	const identity = Object.fromEntries(Object.entries(req.headers).filter(([header]) => /^x[-_]haward[-_]/.test(header)));
	req.resume();
	const more = next ? { next: await ask(next, req.headers) } : {};
	const api_key = Object.keys(req.headers).some((header) => /^x[-_]api[-_]key$/.test(header));
	const body = JSON.stringify({ service: name, method: req.method, url: req.url, identity, authorization: 'authorization' in req.headers, api_key, ...more });
	res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) + 1 });
	res.end(`${body}\n`);
});
server.keepAliveTimeout = 60000;
server.listen(Number(port), host, () => console.log(`demo service on ${host}:${port}`));
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
