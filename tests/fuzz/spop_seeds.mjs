// Writes the seeds of the SPOP targets into tests/fuzz/corpus: what HAProxy's versions send, and the shapes that a
// mutation does not find by itself. An encoder of its own: it shares nothing with agent/spop.
//   node tests/fuzz/spop_seeds.mjs
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const corpus = join(dirname(fileURLToPath(import.meta.url)), 'corpus');

const varint = (number) => {
  let value = BigInt.asUintN(64, BigInt(number));
  if (value < 240n) return Buffer.from([Number(value)]);
  const bytes = [Number((value & 0xffn) | 240n)];
  for (value = (value - 240n) >> 4n; value >= 128n; value = (value - 128n) >> 7n)
    bytes.push(Number((value & 0xffn) | 128n));
  return Buffer.from([...bytes, Number(value)]);
};
const text = (value) => {
  const bytes = Buffer.from(value);
  return Buffer.concat([varint(bytes.length), bytes]);
};
const typed = (type, ...rest) => Buffer.concat([Buffer.from([type]), ...rest]);
const none = typed(0);
const bool = (truth) => typed(truth ? 0x11 : 0x01);
const uint32 = (number) => typed(3, varint(number));
const int64 = (number) => typed(4, varint(number));
const ipv4 = (...bytes) => typed(6, Buffer.from(bytes));
const ipv6 = (hex) => typed(7, Buffer.from(hex, 'hex'));
const string = (value) => typed(8, text(value));
const binary = (bytes) => typed(9, text(Buffer.from(bytes)));
const pairs = (list) => Buffer.concat(list.flatMap(([name, value]) => [text(name), value]));
const message = (name, list) => Buffer.concat([text(name), Buffer.from([list.length]), pairs(list)]);

const FIN = 1;
const frame = (type, payload, { flags = FIN, stream = 0, id = 0 } = {}) => {
  const head = Buffer.from([type, 0, 0, 0, flags]);
  const body = Buffer.concat([head, varint(stream), varint(id), payload]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
};

const offer = (capabilities, more = []) =>
  pairs([
    ['supported-versions', string('2.0')],
    ['max-frame-size', uint32(16380)],
    ['capabilities', string(capabilities)],
    ...more,
  ]);
const bye = (status, why) => pairs([['status-code', uint32(status)], ['message', string(why)]]);
const uuid = '0a5cd2a9-8be4-4d9c-9d0c-5a2f6cdbd6a1';
const hellos = {
  'haproxy-2.6': offer('pipelining,async', [['engine-id', string(uuid)]]),
  'haproxy-3.2': offer('pipelining', [['engine-id', string(uuid)]]),
  'health-check': offer('', [['healthcheck', bool(true)]]),
  'other-versions': pairs([
    ['supported-versions', string('1.0, 2.0 ,3.0')],
    ['max-frame-size', uint32(256)],
    ['capabilities', string('')],
  ]),
  'version-1': pairs([['supported-versions', string('1.0')]]),
  'frame-too-small': pairs([
    ['supported-versions', string('2.0')],
    ['max-frame-size', uint32(255)],
    ['capabilities', string('')],
  ]),
  'wrong-types': pairs([['supported-versions', int64(2)], ['max-frame-size', string('16380')]]),
  goodbye: bye(2, 'a timeout occurred'),
  'goodbye-99': bye(99, 'unknown'),
};

const question = message('haward-authorize', [
  ['id', string('7F000001:8124_7F000001:1F90_6745')],
  ['service', none],
  ['method', string('GET')],
  ['path', string('/orders/17')],
  ['query', string('a=b')],
  ['host', string('shop.example')],
  ['src', ipv4(192, 0, 2, 1)],
  ['src_port', int64(33060)],
  ['dst', ipv6('20010db8000000000000000000000001')],
  ['dst_port', int64(443)],
  ['tls', bool(true)],
  ['sni', string('shop.example')],
  ['authorization', string('Bearer a.b.c')],
  ['authorization', none],
  ['user_agent', string('curl/8.5.0')],
]);
const workload = message('haward-connect', [
  ['src', ipv6('00000000000000000000ffffc0000201')],
  ['cert', binary([0x30, 0x03, 0x02, 0x01, 0x00])],
  ['cert_used', bool(true)],
  ['cert_verify', int64(0)],
  ['headers', binary('\x04host\x0cshop.example\x00\x00')],
]);
const report = message('haward-account', [
  ['event', string('01ARZ3NDEKTSV4RRFFQ69G5FAV')],
  ['id', string('u-1')],
  ['status', int64(200)],
  ['bytes_out', int64(1n << 40n)],
  ['duration_ms', int64(-1)],
  ['backend', string('orders')],
  ['src', ipv4(192, 0, 2, 1)],
]);
const lesson = message('haward-learn', [
  ['event', string('01ARZ3NDEKTSV4RRFFQ69G5FAV')],
  ['status', int64(201)],
  ['learn', string('code.create\nlocation\n/orders/{id}\norder:{id}\nowner\nuser:anne')],
  ['headers', binary('\x08location\x0a/orders/17\x00\x00')],
]);
const other = message('check-client-ip', [['', ipv4(192, 0, 2, 1)], ['', int64(-1)]]);
const notifies = {
  question,
  workload,
  report,
  lesson,
  'report-and-lesson': Buffer.concat([report, lesson]),
  'two-lessons': Buffer.concat([lesson, lesson]),
  other,
  both: Buffer.concat([report, question]),
  'two-questions': Buffer.concat([question, workload]),
  'two-reports': Buffer.concat([report, report]),
  'two-credentials': message('haward-authorize', [
    ['authorization', string('Bearer a')],
    ['authorization', string('Basic b')],
  ]),
  'path-twice': message('haward-authorize', [['path', string('/')], ['path', string('/admin')]]),
  'wrong-types': message('haward-authorize', [['path', int64(1)], ['src', string('::1')], ['tls', int64(1)]]),
  'no-port': message('haward-authorize', [['src_port', int64(65536)], ['dst_port', int64(-1)]]),
  'sixteen-messages': Buffer.concat(Array(16).fill(message('o', []))),
  'seventeen-messages': Buffer.concat(Array(17).fill(message('o', []))),
  'cut-short': question.subarray(0, question.length - 3),
  'joined-names': message('haward-authorize', [
    ['query', string('a,admin')],
    ['cookie', string('b c')],
    ['user_agent', string('d\r\nx: 1')],
  ]),
};

const hello = frame(1, hellos['haproxy-3.2']);
const check = frame(1, hellos['health-check']);
const ask = (stream, id = 1) => frame(3, question, { stream, id });
const sessions = {
  whole: [hello, ask(1), ask(3), frame(3, report, { stream: 5, id: 1 }), frame(2, hellos.goodbye)],
  'stream-0': [frame(1, hellos['haproxy-2.6']), ask(0), ask(0, 2), frame(2, bye(0, 'normal'))],
  'health-check': [check],
  'health-check-and-more': [check, ask(1)],
  'notify-of-nothing': [hello, frame(3, Buffer.alloc(0), { stream: 1, id: 1 })],
  'notify-first': [ask(1)],
  'hello-twice': [hello, hello],
  'goodbye-first': [frame(2, hellos['goodbye-99'])],
  fragment: [hello, frame(3, question, { flags: 0, stream: 1, id: 1 })],
  continuation: [hello, frame(0, question, { stream: 1, id: 1 })],
  abort: [hello, frame(0, Buffer.alloc(0), { flags: 3, stream: 1, id: 1 })],
  'our-ack': [hello, frame(103, Buffer.alloc(0), { stream: 1, id: 1 })],
  'largest-ids': [hello, ask(-1, -1)],
  'too-big': [hello, Buffer.from([0, 0, 0xff, 0xff, 3])],
  'too-short': [hello, Buffer.from([0, 0, 0, 6, 3, 0, 0, 0, 1, 0])],
  'cut-short': [hello, ask(1).subarray(0, 40)],
  http: [Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  'bad-hello': [frame(1, hellos['version-1'])],
};
// piece size, own frame size (256 + 64 each), flags (1: draining)
const heads = { '': [7, 252, 0], '-byte-by-byte': [1, 4, 0], '-draining': [64, 252, 1] };

const numbers = [0, 239, 240, 2287, 2288, 264431, 264432, 33818863, 33818864, (1n << 63n) - 1n, 1n << 63n, -1];
const values = {
  numbers: Buffer.concat(numbers.map(varint)),
  'past-64-bits': Buffer.from('f0f1fefefefefefefe0e', 'hex'),
  'eleven-bytes': Buffer.from('f080808080808080808000', 'hex'),
  'every-type': Buffer.concat([
    none, bool(true), bool(false), typed(2, varint(-1)), uint32(0xffffffff), int64(-(1n << 63n)),
    typed(5, varint((1n << 63n) - 1n)), ipv4(127, 0, 0, 1), ipv6('00'.repeat(15) + '01'),
    ipv6('00000000000000000000ffff7f000001'), string('text'), string(''), binary([0, 255]),
  ]),
  flags: Buffer.from([0xf0, 0x21, 0x18, 1, 0x61, 0xf9, 0]),
  'no-type': Buffer.from([0x0a]),
  'uint64-too-large': typed(5, varint(1n << 63n)),
  'past-the-end': Buffer.from([8, 5, 0x61]),
};

const write = (target, name, bytes) => {
  mkdirSync(join(corpus, target), { recursive: true });
  writeFileSync(join(corpus, target, name), bytes);
};
for (const [name, bytes] of Object.entries(hellos)) write('hello', name, bytes);
for (const [name, bytes] of Object.entries(notifies)) write('notify', name, bytes);
for (const [name, bytes] of Object.entries(values)) write('value', name, bytes);
for (const [name, frames] of Object.entries(sessions))
  write('session', name, Buffer.concat([Buffer.from(heads['']), ...frames]));
for (const suffix of ['-byte-by-byte', '-draining'])
  for (const name of ['whole', 'health-check'])
    write('session', name + suffix, Buffer.concat([Buffer.from(heads[suffix]), ...sessions[name]]));
