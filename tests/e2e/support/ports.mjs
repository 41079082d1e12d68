// Free loopback ports: asked of the kernel together, so that no two are the same.
import net from 'node:net';

export async function freePorts(n) {
	const servers = await Promise.all(Array.from({ length: n }, () => new Promise((resolve, reject) => {
		const server = net.createServer();
		server.once('error', reject).listen(0, '127.0.0.1', () => resolve(server));
	})));
	const ports = servers.map((s) => s.address().port);
	await Promise.all(servers.map((s) => new Promise((resolve) => s.close(resolve))));
	return ports;
}
