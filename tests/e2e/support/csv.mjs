// RFC 4180, strictly: CRLF ends a row, quotes are doubled, anything else is an error.
export function parseCsv(text) {
	const rows = [];
	let row = [], at = 0;
	while (at < text.length) {
		let cell = '';
		if (text[at] === '"') {
			for (at++; ; at++) {
				if (at >= text.length) throw new Error('open quote');
				if (text[at] !== '"') { cell += text[at]; continue; }
				if (text[at + 1] !== '"') { at++; break; }
				cell += '"';
				at++;
			}
		} else {
			const end = text.slice(at).search(/[,\r\n"]/);
			if (end < 0) throw new Error('last row has no CRLF');
			cell = text.slice(at, at + end);
			at += end;
		}
		row.push(cell);
		if (text[at] === ',') { at++; if (at === text.length) throw new Error('row cut'); continue; }
		if (text.slice(at, at + 2) !== '\r\n') throw new Error(`expected CRLF at ${at}: ${JSON.stringify(text.slice(at, at + 10))}`);
		at += 2;
		rows.push(row);
		row = [];
	}
	if (row.length) throw new Error('last row has no CRLF');
	return rows;
}

export function csvRecords(text) {
	const [head, ...body] = parseCsv(text.replace(/^\ufeff/, ''));
	return body.map((cells) => {
		if (cells.length !== head.length) throw new Error(`row of ${cells.length} cells under ${head.length} columns`);
		return Object.fromEntries(head.map((name, i) => [name, cells[i]]));
	});
}
