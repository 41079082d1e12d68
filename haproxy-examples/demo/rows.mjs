// rows.mjs FILE ID=VERDICT,STATUS,OUTCOME_STATUS... - shows the rows of an exported book that carry
// these ids; fails when one is missing or says something else.
import { readFileSync } from 'node:fs';

function parseCsv(text) {
	const rows = [];
	let row = [], cell = '', quoted = false;
	for (let i = 0; i < text.length; i++) {
		const c = text[i];
		if (quoted) {
			if (c !== '"') cell += c;
			else if (text[i + 1] === '"') { cell += c; i++; }
			else quoted = false;
		} else if (c === '"') quoted = true;
		else if (c === ',') { row.push(cell); cell = ''; }
		else if (c === '\n') { row.push(cell.replace(/\r$/, '')); rows.push(row); row = []; cell = ''; }
		else cell += c;
	}
	const [head, ...body] = rows;
	return body.map((cells) => Object.fromEntries(head.map((name, i) => [name, cells[i] ?? ''])));
}

const shown = ['time', 'user', 'method', 'path', 'verdict', 'status', 'reason', 'policy', 'outcome_status', 'outcome_bytes_out', 'outcome_duration_ms'];
const [, , file, ...wanted] = process.argv;
const book = new Map(parseCsv(readFileSync(file, 'utf8')).map((row) => [row.id, row]));
const problems = [];
const table = [shown];
for (const one of wanted) {
	const [id, says] = one.split('=');
	const row = book.get(id);
	if (!row) {
		problems.push(`no row for ${id}`);
		continue;
	}
	table.push(shown.map((name) => row[name] || '-'));
	const found = [row.verdict, row.status, row.outcome_status].join();
	if (found !== says) problems.push(`${id} says ${found}, promised was ${says}`);
}
const widths = shown.map((_, i) => Math.max(...table.map((row) => row[i].length)));
for (const row of table) console.log(row.map((cell, i) => cell.padEnd(widths[i])).join('  ').trimEnd());
for (const problem of problems) console.log(problem);
process.exit(problems.length === 0 ? 0 : 1);
