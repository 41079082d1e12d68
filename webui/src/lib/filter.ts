// The query language of decisions, as far as a person's clicks need it: the text is the one truth, chips
// and buttons read it and write it. What a field or a value means is the agent's to say; only the form is known here.
export interface Value {
  text: string; // unquoted
  quoted: boolean; // its `*` stands for itself
}

export interface Term {
  field: string; // '' for a bare word
  exclude: boolean;
  values: Value[];
  text: string; // as written
}

export const fields = [
  'user', 'service', 'path', 'method', 'status', 'reason', 'policy', 'verdict', 'shadow', 'ip', 'workload', 'source',
  'issuer', 'client', 'group', 'scope', 'auth_method', 'host', 'route', 'user_agent', 'request_id', 'trace_id',
  'took_us', 'outcome_status', 'duration_ms', 'backend', 'server', 'policy_version', 'has', 'kind', 'id',
] as const;

const blank = /[ \t\r\n]/;

interface Cursor {
  text: string;
  at: number;
}

function readQuoted(c: Cursor): Value {
  let text = '';
  for (c.at++; c.at < c.text.length && c.text[c.at] !== '"'; c.at++) {
    if (c.text[c.at] === '\\' && c.at + 1 < c.text.length) c.at++;
    text += c.text[c.at];
  }
  c.at++; // the closing quote, or one past the end when it is missing
  return { text, quoted: true };
}

function readValue(c: Cursor): Value {
  if (c.text[c.at] === '"') return readQuoted(c);
  const start = c.at;
  while (c.at < c.text.length && !blank.test(c.text.charAt(c.at)) && c.text[c.at] !== ',') c.at++;
  return { text: c.text.slice(start, c.at), quoted: false };
}

function readTerm(c: Cursor): Term {
  const start = c.at;
  const exclude = c.text[c.at] === '-';
  if (exclude) c.at++;
  const name = /^([a-z_]+):/.exec(c.text.slice(c.at, c.at + 64));
  if (name) c.at += name[0].length;
  const values = [readValue(c)];
  while (c.text[c.at] === ',') {
    c.at++;
    values.push(readValue(c));
  }
  // What stands right behind a closing quote is the agent's to refuse; here it stays with its term.
  while (c.at < c.text.length && !blank.test(c.text.charAt(c.at))) c.at++;
  return { field: name?.[1] ?? '', exclude, values, text: c.text.slice(start, c.at) };
}

// Never fails: a text that the agent would refuse still falls into terms that can be taken away.
export function parseFilter(text: string): Term[] {
  const c: Cursor = { text, at: 0 };
  const terms: Term[] = [];
  for (;;) {
    while (c.at < text.length && blank.test(text.charAt(c.at))) c.at++;
    if (c.at >= text.length) return terms;
    terms.push(readTerm(c));
  }
}

// A value that stands for exactly itself.
export function quote(text: string): string {
  const plain = text !== '' && !/[\s,"\\:*\0]/.test(text) && !text.startsWith('-');
  return plain ? text : `"${text.replace(/["\\]/g, '\\$&')}"`;
}

export function termText(field: string, value: string, exclude = false): string {
  return `${exclude ? '-' : ''}${field}${field ? ':' : ''}${quote(value)}`;
}

const join = (parts: string[]): string => parts.filter(Boolean).join(' ');

export function withoutTerm(text: string, index: number): string {
  return join(parseFilter(text).filter((_, i) => i !== index).map((t) => t.text));
}

// Adds a term. The same one is not added twice, and its opposite goes.
export function withTerm(text: string, term: string): string {
  const opposite = term.startsWith('-') ? term.slice(1) : `-${term}`;
  const rest = parseFilter(text).map((t) => t.text).filter((t) => t !== term && t !== opposite);
  return join([...rest, term]);
}

// Makes the field ask for this one value, or for nothing; what it excludes stays.
export function withOnly(text: string, field: string, value: string): string {
  const rest = parseFilter(text).filter((t) => t.field !== field || t.exclude).map((t) => t.text);
  return join([value ? termText(field, value) : '', ...rest]);
}

// The one value that the field asks for; '' when it asks for none, null when it is not that simple.
export function onlyValue(text: string, field: string): string | null {
  const terms = parseFilter(text).filter((t) => t.field === field);
  if (terms.length === 0) return '';
  const [term] = terms;
  return terms.length === 1 && term && !term.exclude && term.values.length === 1 ? (term.values[0]?.text ?? '') : null;
}

// Acts of accounts have a page of their own; a query that names kinds has its way. The addition stands at the
// end, so that columns in the agent's complaints are columns of what was typed.
export function asked(text: string): string {
  return parseFilter(text).some((t) => t.field === 'kind') ? text : join([text, '-kind:admin']);
}
