// A second SPOP agent, written from SPOE.txt and not from Haward's code: it shows what HAProxy
// really sends and lets a test answer anything at all, nonsense and silence included.
import net from 'node:net';

export const HELLO = 1, DISCONNECT = 2, NOTIFY = 3, AGENT_HELLO = 101, AGENT_DISCONNECT = 102, ACK = 103;

export function varint(value) {
	let v = BigInt(value);
	if (v < 240n) return Buffer.from([Number(v)]);
	const out = [Number((v & 0xffn) | 0xf0n)];
	v = (v - 240n) >> 4n;
	while (v >= 128n) {
		out.push(Number((v & 0x7fn) | 0x80n));
		v = (v - 128n) >> 7n;
	}
	out.push(Number(v));
	return Buffer.from(out);
}

class Reader {
	constructor(bytes) { this.bytes = bytes; this.at = 0; }
	get left() { return this.bytes.length - this.at; }
	u8() { return this.bytes.readUInt8(this.at++); }
	take(n) { const part = this.bytes.subarray(this.at, this.at + Number(n)); this.at += Number(n); return part; }
	varint() {
		let byte = BigInt(this.u8());
		let value = byte;
		if (byte < 240n) return value;
		for (let shift = 4n; ; shift += 7n) {
			byte = BigInt(this.u8());
			value += byte << shift;
			if (byte < 128n) return value;
		}
	}
	text() { return this.take(this.varint()).toString('latin1'); }
	value() {
		const head = this.u8();
		switch (head & 15) {
		case 0: return null;
		case 1: return (head & 16) !== 0;
		case 2: case 3: case 4: case 5: return Number(BigInt.asIntN(64, this.varint()));
		case 6: return [...this.take(4)].join('.');
		case 7: return this.take(16).toString('hex');
		case 8: return this.take(this.varint()).toString('utf8');
		case 9: return Buffer.from(this.take(this.varint()));
		default: throw new Error(`value of type ${head}`);
		}
	}
}

const text = (s) => Buffer.concat([varint(Buffer.byteLength(s)), Buffer.from(s)]);

function typed(value) {
	if (value === null) return Buffer.from([0]);
	if (typeof value === 'boolean') return Buffer.from([value ? 0x11 : 0x01]);
	if (typeof value === 'number') return Buffer.concat([Buffer.from([4]), varint(BigInt.asUintN(64, BigInt(value)))]);
	return Buffer.concat([Buffer.from([8]), text(value)]);
}

function frame(type, stream, id, payload) {
	const body = Buffer.concat([Buffer.from([type, 0, 0, 0, 1]), varint(stream), varint(id), payload]);
	const length = Buffer.alloc(4);
	length.writeUInt32BE(body.length);
	return Buffer.concat([length, body]);
}

const pairs = (o) => Buffer.concat(Object.entries(o).flatMap(([k, v]) => [text(k), typed(v)]));
const uint32 = (n) => Buffer.concat([Buffer.from([3]), varint(n)]);

function helloAnswer() {
	return frame(AGENT_HELLO, 0, 0, Buffer.concat([
		text('version'), typed('2.0'), text('max-frame-size'), uint32(16380), text('capabilities'), typed('pipelining'),
	]));
}

export function setVars(vars) {
	return Buffer.concat(Object.entries(vars).map(([name, value]) =>
		Buffer.concat([Buffer.from([1, 3, 2]), text(name), typed(value)])));
}

function messages(r) {
	const found = [];
	while (r.left > 0) {
		const name = r.text();
		const args = [];
		for (let n = r.u8(); n > 0; n--) args.push([r.text(), r.value()]);
		found.push({ name, args, all: (key) => args.filter(([k]) => k === key).map(([, v]) => v) });
	}
	return found;
}

// answer(messages, socket): an object of txn variables, a Buffer of raw actions, or null for silence.
export async function startObserver(answer, port = 0) {
	const seen = [];
	const sockets = new Set();
	const onFrame = (socket, body) => {
		const r = new Reader(body);
		const type = r.u8();
		r.take(4);
		const stream = r.varint(), id = r.varint();
		if (type === HELLO) return socket.write(helloAnswer());
		if (type === DISCONNECT) return socket.end(frame(AGENT_DISCONNECT, 0, 0, pairs({ 'status-code': 0, message: 'bye' })));
		if (type !== NOTIFY) return undefined;
		const found = messages(r);
		seen.push(...found);
		const actions = answer(found, socket);
		if (actions === null || socket.destroyed) return undefined;
		return socket.write(frame(ACK, stream, id, Buffer.isBuffer(actions) ? actions : setVars(actions)));
	};
	const server = net.createServer((socket) => {
		let held = Buffer.alloc(0);
		sockets.add(socket);
		socket.on('close', () => sockets.delete(socket));
		socket.on('error', () => socket.destroy());
		socket.on('data', (chunk) => {
			held = Buffer.concat([held, chunk]);
			while (held.length >= 4 && held.length >= 4 + held.readUInt32BE(0)) {
				const end = 4 + held.readUInt32BE(0);
				onFrame(socket, held.subarray(4, end));
				held = held.subarray(end);
			}
		});
	});
	await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
	return {
		seen,
		address: `127.0.0.1:${server.address().port}`,
		port: server.address().port,
		stop: () => new Promise((resolve) => { server.close(resolve); for (const s of sockets) s.destroy(); }),
	};
}
