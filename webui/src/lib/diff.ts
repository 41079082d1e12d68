// Differences of texts by lines, and the merge of two texts that started from the same one.
export interface Change {
  aFrom: number;
  aTo: number;
  bFrom: number;
  bTo: number;
}

export function linesOf(text: string): string[] {
  const lines = text.replace(/\r\n?/g, '\n').split('\n');
  if (lines[lines.length - 1] === '') lines.pop();
  return lines;
}

export function isSameText(a: string, b: string): boolean {
  return a === b || a.replace(/\r\n?/g, '\n') === b.replace(/\r\n?/g, '\n');
}

const mostEdits = 2000; // beyond it the whole middle counts as replaced: the table of steps grows with its square

// Myers' greedy search from one corner to the other; each step keeps how far every diagonal had come.
function steps(a: string[], b: string[]): Int32Array[] | null {
  const most = Math.min(a.length + b.length, mostEdits);
  const reach = new Int32Array(2 * most + 3);
  const trace: Int32Array[] = [];
  for (let d = 0; d <= most; d++) {
    trace.push(reach.slice(most - d, most + d + 3));
    for (let k = -d; k <= d; k += 2) {
      const at = most + 1 + k;
      const down = k === -d || (k !== d && (reach[at - 1] ?? 0) < (reach[at + 1] ?? 0));
      let x = down ? (reach[at + 1] ?? 0) : (reach[at - 1] ?? 0) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      reach[at] = x;
      if (x >= a.length && x - k >= b.length) return trace;
    }
  }
  return null;
}

function middle(a: string[], b: string[]): Change[] {
  if (!a.length && !b.length) return [];
  const trace = a.length && b.length ? steps(a, b) : null;
  if (!trace) return [{ aFrom: 0, aTo: a.length, bFrom: 0, bTo: b.length }];
  const found: Change[] = [];
  let [x, y] = [a.length, b.length];
  for (let d = trace.length - 1; d > 0; d--) {
    const before = trace[d] as Int32Array; // diagonals -d-1 to d+1
    const k = x - y;
    const at = d + 1 + k;
    const down = k === -d || (k !== d && (before[at - 1] ?? 0) < (before[at + 1] ?? 0));
    const fromX = before[down ? at + 1 : at - 1] ?? 0;
    const fromY = fromX - (down ? k + 1 : k - 1);
    const change = { aFrom: fromX, aTo: down ? fromX : fromX + 1, bFrom: fromY, bTo: down ? fromY + 1 : fromY };
    const next = found[0];
    if (next && next.aFrom === change.aTo && next.bFrom === change.bTo) found[0] = { ...next, aFrom: change.aFrom, bFrom: change.bFrom };
    else found.unshift(change);
    [x, y] = [fromX, fromY];
  }
  return found;
}

export function diffLines(a: string[], b: string[]): Change[] {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const changes = middle(a.slice(start, a.length - end), b.slice(start, b.length - end));
  return changes.map((c) => ({ aFrom: c.aFrom + start, aTo: c.aTo + start, bFrom: c.bFrom + start, bTo: c.bTo + start }));
}

export interface DiffRow {
  kind: 'same' | 'old' | 'new' | 'gap';
  old?: number; // line numbers from 1
  new?: number;
  text: string; // of a gap: how many lines are left out
}

// Both texts in one list, each change with some lines around it.
export function unified(a: string, b: string, context = 3): DiffRow[] {
  const [old, now] = [linesOf(a), linesOf(b)];
  const changes = diffLines(old, now);
  const rows: DiffRow[] = [];
  let at = 0; // in old
  let behind = 0; // new minus old
  const same = (to: number) => {
    for (; at < to; at++) rows.push({ kind: 'same', old: at + 1, new: at + 1 + behind, text: old[at] ?? '' });
  };
  changes.forEach((c, i) => {
    const shownFrom = Math.max(at, c.aFrom - context);
    if (shownFrom > at) rows.push({ kind: 'gap', text: String(shownFrom - at) });
    at = shownFrom;
    same(c.aFrom);
    for (; at < c.aTo; at++) rows.push({ kind: 'old', old: at + 1, text: old[at] ?? '' });
    for (let n = c.bFrom; n < c.bTo; n++) rows.push({ kind: 'new', new: n + 1, text: now[n] ?? '' });
    behind = c.bTo - c.aTo;
    same(Math.min(old.length, c.aTo + context, changes[i + 1]?.aFrom ?? old.length));
  });
  if (changes.length && at < old.length) rows.push({ kind: 'gap', text: String(old.length - at) });
  return rows;
}

export function changedLines(a: string, b: string): { added: number; removed: number } {
  const changes = diffLines(linesOf(a), linesOf(b));
  return changes.reduce((sum, c) => ({ added: sum.added + c.bTo - c.bFrom, removed: sum.removed + c.aTo - c.aFrom }), { added: 0, removed: 0 });
}

export interface Merged {
  text: string;
  conflicts: number;
}

interface Side {
  lines: string[];
  changes: Change[];
}

// What one side made of base[from, to): its changes there, and the base's own lines between them.
function sideText(base: string[], side: Side, from: number, to: number): string[] {
  const lines: string[] = [];
  let at = from;
  for (const c of side.changes) {
    if (c.aTo < from || c.aFrom > to || c.aFrom < at) continue;
    lines.push(...base.slice(at, c.aFrom), ...side.lines.slice(c.bFrom, c.bTo));
    at = c.aTo;
  }
  return [...lines, ...base.slice(at, to)];
}

// Places of the base that either side changed; those that touch are one.
function regions(all: Change[]): { from: number; to: number }[] {
  const found: { from: number; to: number }[] = [];
  for (const c of [...all].sort((p, q) => p.aFrom - q.aFrom || p.aTo - q.aTo)) {
    const last = found[found.length - 1];
    if (last && c.aFrom <= last.to) last.to = Math.max(last.to, c.aTo);
    else found.push({ from: c.aFrom, to: c.aTo });
  }
  return found;
}

// Changes of both sides, where they do not touch. Where they do, both stand between markers, which are no JSON: a
// merge with conflicts cannot be published by mistake.
export function merge(base: string, mine: string, theirs: string, names: { mine: string; theirs: string }): Merged {
  const origin = linesOf(base);
  const side = (text: string): Side => ({ lines: linesOf(text), changes: diffLines(origin, linesOf(text)) });
  const [ours, other] = [side(mine), side(theirs)];
  const out: string[] = [];
  let [at, conflicts] = [0, 0];
  for (const { from, to } of regions([...ours.changes, ...other.changes])) {
    out.push(...origin.slice(at, from));
    at = to;
    const [was, a, b] = [origin.slice(from, to), sideText(origin, ours, from, to), sideText(origin, other, from, to)].map((l) => l.join('\n'));
    if (a === b || b === was) out.push(...sideText(origin, ours, from, to));
    else if (a === was) out.push(...sideText(origin, other, from, to));
    else {
      conflicts++;
      out.push(`<<<<<<< ${names.mine}`, ...sideText(origin, ours, from, to), '=======', ...sideText(origin, other, from, to), `>>>>>>> ${names.theirs}`);
    }
  }
  out.push(...origin.slice(at));
  return { text: `${out.join('\n')}\n`, conflicts };
}
