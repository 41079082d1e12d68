// The demo service behind HAProxy: says which request reached it and as whom, nothing else.
// Usage: node service.mjs [host:port]; the default is 127.0.0.1:8081.
import http from 'node:http';

const [host, port] = (process.argv[2] ?? '127.0.0.1:8081').split(/:(?=\d+$)/);

const server = http.createServer((req, res) => {
	const identity = Object.fromEntries(Object.entries(req.headers).filter(([name]) => /^x[-_]haward[-_]/.test(name)));
	const body = JSON.stringify({ service: 'orders', method: req.method, url: req.url, identity, authorization: 'authorization' in req.headers });
	req.resume();
	res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) + 1 });
	res.end(`${body}\n`);
});
server.keepAliveTimeout = 60000;
server.listen(Number(port), host, () => console.log(`demo service on ${host}:${port}`));
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
