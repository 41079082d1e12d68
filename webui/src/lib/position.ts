// Places in a text. The agent counts lines from 1 and columns in bytes of UTF-8 from 1; the browser counts UTF-16
// units from 0.
const size = (codePoint: number): number => (codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4);

// The unit in which the byte column lies; the end of the line when it lies behind it.
export function unitOfColumn(line: string, column: number): number {
  let bytes = 1;
  let unit = 0;
  for (const character of line) {
    bytes += size(character.codePointAt(0) ?? 0);
    if (bytes > column) return unit;
    unit += character.length;
  }
  return unit;
}

export interface Span {
  from: number;
  to: number;
}

// How much of a line of JSON is wrong at this place: the string, number or word there, else one character.
export function tokenEnd(line: string, from: number): number {
  const token = /^(?:"(?:[^"\\]|\\.)*"?|[-+.\w]+)/.exec(line.slice(from))?.[0];
  return Math.min(from + Math.max(token?.length ?? 1, 1), line.length);
}

// Line 0 is "no place": the start of the text. The span is never outside the text, and empty only on an empty line
// or behind its end.
export function spanOf(text: string, line: number, column: number): Span {
  let start = 0;
  for (let n = 1; n < line; n++) {
    const next = text.indexOf('\n', start);
    if (next < 0) break;
    start = next + 1;
  }
  const end = text.indexOf('\n', start);
  const content = text.slice(start, end < 0 ? text.length : end);
  const from = unitOfColumn(content, Math.max(column, 1));
  const last = content.length > 0 && from >= content.length ? content.length - 1 : from;
  return { from: start + last, to: start + tokenEnd(content, last) };
}

// The character column that people see, from the agent's byte column.
export function columnShown(text: string, line: number, column: number): number {
  if (line < 1) return column;
  const content = text.split('\n')[line - 1] ?? '';
  return [...content.slice(0, unitOfColumn(content, column))].length + 1;
}
