// Completion in the editor of policy sets: members and values by the schema, and in conditions what they may say. Both are
// what the agent itself serves, fetched when they are first needed.
import { autocompletion, type Completion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete';
import { syntaxTree } from '@codemirror/language';
import type { EditorState, Extension } from '@codemirror/state';
import type { SyntaxNode } from '@lezer/common';
import { conditionWords, members, values, type Conditions, type Path, type Schema } from '../lib/completion';

interface Known {
  schema: Schema;
  conditions: Conditions;
}

let known: Promise<Known | null> | undefined;

async function get<T>(url: string): Promise<T> {
  const answer = await fetch(url, { headers: { accept: 'application/json' } });
  if (!answer.ok) throw new Error(url);
  return (await answer.json()) as T;
}

// Nothing is completed where they cannot be had; the next try asks again.
function load(): Promise<Known | null> {
  known ??= Promise.all([get<Schema>('/schema/policy.json'), get<Conditions>('/schema/conditions.json')]).then(
    ([schema, conditions]) => ({ schema, conditions }),
    () => {
      known = undefined;
      return null;
    },
  );
  return known;
}

const textOf = (state: EditorState, node: SyntaxNode) => state.doc.sliceString(node.from, node.to);

function nameOf(state: EditorState, property: SyntaxNode): string {
  const name = property.getChild('PropertyName');
  try {
    return name ? (JSON.parse(textOf(state, name)) as string) : '';
  } catch {
    return '';
  }
}

function indexOf(node: SyntaxNode): number {
  let n = 0;
  for (let at = node.prevSibling; at; at = at.prevSibling) if (!['[', ',', '\u26a0'].includes(at.name)) n++;
  return n;
}

// The steps from the document's root to the value that the node is, or is in.
function pathTo(state: EditorState, node: SyntaxNode): Path {
  const path: Path = [];
  for (let at: SyntaxNode | null = node; at; at = at.parent) {
    if (at.name === 'Property') path.unshift(nameOf(state, at));
    else if (at.parent?.name === 'Array' && !['[', ']', ','].includes(at.name)) path.unshift(indexOf(at));
  }
  return path;
}

const openings: Record<string, string> = { '{': '{}', '[': '[]', '"': '""' };

// The name with its colon and the beginning of its value, the cursor inside of it.
function putMember(name: string, kind: string): Completion['apply'] {
  return (view, _completion, from, to) => {
    const hasColon = /^\s*:/.test(view.state.doc.sliceString(to, to + 20));
    const text = JSON.stringify(name) + (hasColon ? '' : `: ${openings[kind] ?? ''}`);
    const cursor = from + text.length - (hasColon || !kind ? 0 : 1);
    view.dispatch({ changes: { from, to, insert: text }, selection: { anchor: cursor }, userEvent: 'input.complete' });
  };
}

function memberResult(all: Known, path: Path, from: number, to: number): CompletionResult {
  const options = members(all.schema, path).map((one): Completion => ({
    label: `"${one.name}"`,
    displayLabel: one.name,
    type: 'property',
    detail: one.required ? 'required' : undefined,
    info: one.description || undefined,
    boost: one.required ? 1 : 0,
    apply: putMember(one.name, one.kind),
  }));
  return { from, to, options, validFor: /^"[^"]*"?$/ };
}

function conditionResult(all: Known, context: CompletionContext, string: SyntaxNode): CompletionResult | null {
  const before = context.state.doc.sliceString(string.from + 1, context.pos);
  const { typed, words } = conditionWords(all.conditions, before, context.state.doc.toString());
  if (!typed && !context.explicit && !/\.\s*$/.test(before)) return null;
  return {
    from: context.pos - typed.length,
    options: words.map((one): Completion => ({ label: one.text, detail: one.detail, info: one.info, type: one.detail.startsWith('(') ? 'function' : 'variable' })),
    validFor: /^[\w.]*$/,
  };
}

function valueResult(all: Known, context: CompletionContext, string: SyntaxNode): CompletionResult | null {
  const path = pathTo(context.state, string);
  if (path.at(-1) === 'condition') return conditionResult(all, context, string);
  const options = values(all.schema, path).map((text): Completion => ({ label: JSON.stringify(text), displayLabel: text, type: 'enum' }));
  return options.length ? { from: string.from, to: string.to, options, validFor: /^"[^"]*"?$/ } : null;
}

async function complete(context: CompletionContext): Promise<CompletionResult | null> {
  const node = syntaxTree(context.state).resolveInner(context.pos, -1);
  const all = await load();
  if (!all) return null;
  if (node.name === 'PropertyName') return memberResult(all, pathTo(context.state, node.parent?.parent ?? node), node.from, node.to);
  if (node.name === 'String') return valueResult(all, context, node);
  const object = node.name === 'Object' ? node : node.parent?.name === 'Object' && ['{', ',', '\u26a0'].includes(node.name) ? node.parent : null;
  if (!object) return null;
  const typed = context.matchBefore(/"[\w$]*/);
  if (!typed && !context.explicit) return null;
  return memberResult(all, pathTo(context.state, object), typed?.from ?? context.pos, context.pos);
}

export function completions(): Extension {
  return autocompletion({ override: [complete], icons: false, closeOnBlur: true });
}
