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

// The unit of a JSON string, as it stands in the text with its quotes and escapes, at which a line and column of what it
// says begin: both from 1, columns in characters.
export function unitInString(raw: string, line: number, column: number): number {
  let at = 1;
  for (let l = 1, c = 1; at < raw.length - 1 && (l < line || (l === line && c < column)); ) {
    const escape = /^\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)/.exec(raw.slice(at, at + 12))?.[0];
    const taken = escape ?? String.fromCodePoint(raw.codePointAt(at) ?? 0);
    const isEnd = taken === '\\n' || taken.toLowerCase() === '\\u000a';
    [l, c] = isEnd ? [l + 1, 1] : [l, c + 1];
    at += taken.length;
  }
  return Math.min(at, Math.max(raw.length - 1, 0));
}

// Where in the string that stands at the span a message about a condition points: "line 1, column 19: ...". null: it does
// not say so.
export function conditionSpan(text: string, span: Span, message: string): Span | null {
  const place = /^line (\d+), column (\d+): /.exec(message);
  const raw = /^"(?:[^"\\]|\\.)*"/.exec(text.slice(span.from))?.[0];
  if (!place || !raw) return null;
  const at = unitInString(raw, Number(place[1]), Number(place[2]));
  const word = /^(?:\w+|[^\w"])/.exec(raw.slice(at))?.[0] ?? '';
  return { from: span.from + at, to: span.from + at + Math.max(word.length, 1) };
}
