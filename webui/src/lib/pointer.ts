// Where a JSON pointer (RFC 6901) leads in a text, without building the document: for jumping to a policy or a rule.
function skipBlank(text: string, at: number): number {
  while (at < text.length && /[ \t\r\n]/.test(text.charAt(at))) at++;
  return at;
}

function skipString(text: string, at: number): number {
  for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === '\\') at++;
  return at + 1;
}

// Behind the value that starts here; quotes and brackets are all that counts.
function skipValue(text: string, at: number): number {
  let depth = 0;
  while (at < text.length) {
    const c = text.charAt(at);
    if (c === '"') at = skipString(text, at);
    else if (c === '{' || c === '[') [depth, at] = [depth + 1, at + 1];
    else if (c === '}' || c === ']') [depth, at] = [depth - 1, at + 1];
    else if (depth === 0 && (c === ',' || /\s/.test(c))) return at;
    else at++;
    if (depth < 0) return at - 1;
    if (depth === 0 && /["}\]]/.test(c)) return at;
  }
  return at;
}

function keyAt(text: string, at: number, end: number): string | null {
  try {
    return JSON.parse(text.slice(at, end)) as string;
  } catch {
    return null;
  }
}

// The start of the member's value within the object or array at this place, or -1.
function enter(text: string, at: number, name: string): number {
  const isObject = text[at] === '{';
  if (!isObject && text[at] !== '[') return -1;
  for (let i = 0, p = skipBlank(text, at + 1); p < text.length && text[p] !== '}' && text[p] !== ']'; i++) {
    let here = String(i) === name;
    if (isObject) {
      const end = skipString(text, p);
      here = keyAt(text, p, end) === name;
      p = skipBlank(text, end);
      if (text[p] !== ':') return -1;
      p = skipBlank(text, p + 1);
    }
    if (here) return p;
    p = skipBlank(text, skipValue(text, p));
    if (text[p] === ',') p = skipBlank(text, p + 1);
    else if (text[p] !== '}' && text[p] !== ']') return -1;
  }
  return -1;
}

// Offset of the value, or -1 when the text has none there.
export function offsetOf(text: string, pointer: string): number {
  let at = skipBlank(text, 0);
  if (pointer !== '' && !pointer.startsWith('/')) return -1;
  for (const part of pointer.split('/').slice(1)) {
    at = enter(text, at, part.replace(/~1/g, '/').replace(/~0/g, '~'));
    if (at < 0) return -1;
  }
  return at < text.length ? at : -1;
}
