// table.mjs DIR - the measurements in DIR as one table of figures and ratios, each beside what it has to hold.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const dir = process.argv[2];
const lines = (name) => (existsSync(join(dir, name)) ? readFileSync(join(dir, name), 'utf8').split('\n').filter(Boolean) : []);
const best = (list, better) => list.reduce((a, b) => (better(b, a) ? b : a));

const doors = new Map();
for (const line of lines('doors')) {
	const [name, ...numbers] = line.split(' ');
	const [rate, p50, p99, errors] = numbers.map(Number);
	doors.set(name, [...(doors.get(name) ?? []), { rate, p50, p99, errors }]);
}
const door = (name) => {
	const runs = doors.get(name) ?? [{ rate: NaN, p50: NaN, p99: NaN, errors: NaN }];
	return { rate: best(runs, (a, b) => a.rate > b.rate).rate, p50: Math.min(...runs.map((r) => r.p50)), p99: Math.min(...runs.map((r) => r.p99)), errors: runs.reduce((n, r) => n + r.errors, 0) };
};
const agents = new Map(lines('agents').map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]));
const audit = JSON.parse(lines('audit.out').at(-1) ?? '{}');

const rows = [];
const number = (value, digits = 0) => (Number.isFinite(value) ? value.toLocaleString('en-US', { maximumFractionDigits: digits }) : '-');
function row(what, value, wanted = '', holds = null) {
	rows.push([what, value, wanted, holds === null ? '' : holds ? 'holds' : 'FALLS SHORT']);
}
const ratio = (what, value, least) => row(what, number(value, 2), `>= ${number(least, 2)}`, value >= least);
const most = (what, value, limit, unit = '') => row(what, `${number(value, 2)}${unit}`, `<= ${number(limit, 2)}${unit}`, value <= limit);
const least = (what, value, limit) => row(what, number(value), `>= ${number(limit)}`, value >= limit);

const names = { alone: 'HAProxy alone', jwt_verify: "HAProxy's jwt_verify RS256", yes: 'HAProxy, agent that says yes', haward: 'HAProxy with Haward, audit on', book: '  and with outcomes' };
for (const [name, label] of Object.entries(names)) {
	const d = door(name);
	row(`${label}: requests/s`, `${number(d.rate)}  (p50 ${number(d.p50)} us, p99 ${number(d.p99)} us, ${number(d.errors)} errors)`);
}
ratio('Haward / yes: requests/s', door('haward').rate / door('yes').rate, 0.9);
most('Haward / yes: p99', door('haward').p99 / door('yes').p99, 1.25);
ratio('Haward / jwt_verify: requests/s', door('haward').rate / door('jwt_verify').rate, 2.5);
row('Haward with outcomes / without: requests/s', number(door('book').rate / door('haward').rate, 2));

const cached = JSON.parse(agents.get('cached') ?? '{}'), fresh = JSON.parse(agents.get('fresh') ?? '{}');
least('agent alone, tokens seen before: verdicts/s', cached.per_s, 400000);
row('agent alone, tokens never seen: verdicts/s', number(fresh.per_s));
ratio('  / openssl speed rsa2048 verify', fresh.per_s / Number(agents.get('openssl')), 0.85);

// what, a second, ns, ...: the first row is OpenSSL's bare check, the third ours from text to identity
const authn = lines('authn.out').slice(1).map((line) => Number(line.slice(40).trim().split(/\s+/)[1]));
row('a token never seen, from text to identity', `${number(authn[2])} ns`);
ratio("  OpenSSL's bare check of the signature / that", authn[0] / authn[2], 0.85);
row('a token seen a moment ago', `${number(authn[3])} ns`);

// what, a second, ns, ...: never seen, one seen, many seen in turn
const certs = lines('certs.out').slice(1).map((line) => Number(line.slice(40).trim().split(/\s+/)[1]));
most('a certificate never seen, from DER to workload', certs[0] / 1000, 300, ' us');
most('  one seen a moment ago / a token', certs[1] / authn[3], 1.15);

// ns of a token that is known beside a certificate: not bound, bound to it; of OpenSSL's check of a proof; of all of it
const bound = lines('bound.out').slice(1).map((line) => Number(line.slice(40).trim().split(/\s+/)[0]));
row('a token seen, beside a certificate', `${number(bound[0])} ns`);
most('  bound to the certificate / that', bound[1] / bound[0], 1.15);
row('a token bound to a key, with a fresh proof', `${number(bound[3])} ns`);
row("  OpenSSL's bare check of the proof / that", number(bound[2] / bound[3], 2));

// what, value, unit, goal
const apikeys = new Map(lines('apikeys.out').slice(1).map((line) => [line.slice(0, 44).trim(), parseFloat(line.slice(44))]));
row('API keys', number(apikeys.get('API keys')));
most('  memory of their table', apikeys.get('memory of the table'), 64, ' MiB');
most('  their table built from what is kept', apikeys.get('built from what is kept'), 200, ' ms');
row('  one never seen, from text to identity', `${number(apikeys.get('never seen, from text to identity'))} ns`);
row('  one seen a moment ago', `${number(apikeys.get('seen, one key'))} ns`);

// what, a second, ns, goal: a lookup in no revocations, the first among 100,000, that of a cached token; tokens made
const minted = lines('mint.out').slice(1).map((line) => Number(line.slice(44).trim().split(/\s+/)[1]));
row('100,000 revocations, the first look at a token', `${number(minted[1])} ns`);
most('  of a token seen a moment ago', minted[2], 50, ' ns');
most('  memory of their table', Number(/: ([\d.]+) MiB/.exec(lines('mint.out').at(-1))?.[1]), 64, ' MiB');
row('an internal token, a Txn-Token', `${number(minted[3])} ns`);
row('  a JWT, by libjwt', `${number(minted[4])} ns`);
row('  one that serves again', `${number(minted[5])} ns`);

// a row a number of policies: policies, ns by index, ns by scan, allowed, ratio to the first row
const authz = lines('authz.out').slice(1).map((line) => line.trim().split(/\s+/).map(Number));
row('a decision by 10 policies', `${number(authz[0]?.[1])} ns`);
most('  10,000 policies over 1,000 services / 10', authz.find((r) => r[0] === 10000)?.[1] / authz[0]?.[1], 1.3);
const rules = new Map(lines('authz.out').map((line) => line.trim().split(/\s+/)).filter(([name]) => /^[a-z]+_/.test(name)).map(([name, value]) => [name, Number(value)]));
most('a decision by 100 policies, path templates, a condition', rules.get('condition_100'), 1500, ' ns');
most('a decision by 10,000 roles / by 10', rules.get('roles_10000') / rules.get('roles_10'), 1.3);
most('10,000 policies from text to in force', rules.get('publish_10000'), 1000, ' ms');

const relations = new Map(lines('relations.out').slice(1).map((line) => [line.slice(0, 44).trim(), parseFloat(line.slice(44))]));
row('relations', number(relations.get('relations')));
most('  bytes each, with their texts', relations.get('bytes each, with their texts'), 64, '');
most('  a check of one that is there', relations.get('checked, there directly'), 300, ' ns');
row('  of one that follows from a group', `${number(relations.get('checked, there through a group'))} ns`);

least('book: events/s, all indexes', audit.ingest_indexed_per_s, 200000);
most('book: bytes an event on disk', audit.bytes_per_event, 350);
most('book: last 100 events of one user', audit.last_100_ms, 5, ' ms');
least('book: CSV rows/s', audit.csv_rows_per_s, 500000);
row('book: JSON lines/s', number(audit.jsonl_rows_per_s));

const widths = [0, 1, 2].map((i) => Math.max(...rows.map((r) => r[i].length)));
console.log();
for (const r of rows) console.log(r.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ').trimEnd());
