// The JSON editor, loaded when a page needs it. It lives in a shadow root: there its style sheets are
// constructed ones, which the content security policy leaves alone.
import { completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { json } from '@codemirror/lang-json';
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { lintGutter, lintKeymap, setDiagnostics, type Diagnostic } from '@codemirror/lint';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { EditorState, type Extension } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { ValidationError } from '../api/client';
import { conditionSpan, spanOf, type Span } from '../lib/position';
import { completions } from './complete';

const look = EditorView.theme({
  '&': { fontSize: '13px', color: 'var(--text)', backgroundColor: 'var(--field)', height: '100%' },
  '.cm-content': { fontFamily: 'var(--mono)', caretColor: 'var(--text)' },
  '.cm-scroller': { overflow: 'auto', lineHeight: '1.55' },
  '.cm-gutters': { color: 'var(--muted)', backgroundColor: 'var(--panel)', borderRight: '1px solid var(--line)' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'var(--hover)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '&.cm-focused': { outline: 'none' }, // the frame around it shows the focus
  '.cm-selectionBackground, &.cm-focused .cm-selectionBackground': { backgroundColor: 'var(--selection) !important' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': { color: 'var(--text)', backgroundColor: 'var(--selection)' },
  '.cm-completionDetail': { color: 'var(--muted)' },
  '.cm-panels, .cm-tooltip': { color: 'var(--text)', backgroundColor: 'var(--panel)', border: '1px solid var(--line)' },
});

const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: 'var(--code-key)' },
  { tag: tags.string, color: 'var(--code-string)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--code-atom)' },
]);

export interface Editor {
  text(): string;
  setText(text: string): void;
  setErrors(errors: ValidationError[], warnings?: ValidationError[]): void;
  show(e: ValidationError): void;
  select(offset: number): void;
  find(text: string): void;
  destroy(): void;
}

export interface EditorOptions {
  text: string;
  readOnly: boolean;
  onChange: (text: string) => void;
  onSave: () => void;
  onCheck: () => void;
}

// Of a condition the very word, inside of its string.
function placeOf(text: string, e: ValidationError): Span {
  const span = spanOf(text, e.line, e.column);
  return (e.pointer.endsWith('/condition') ? conditionSpan(text, span, e.message) : null) ?? span;
}

function extensions(options: EditorOptions): Extension[] {
  const act = (action: () => void) => () => {
    action();
    return true;
  };
  return [
    lineNumbers(),
    foldGutter(),
    lintGutter(),
    history(),
    drawSelection(),
    indentOnInput(),
    bracketMatching(),
    highlightActiveLine(),
    highlightSelectionMatches(),
    search({ top: true }),
    json(),
    completions(),
    look,
    syntaxHighlighting(colours),
    keymap.of([
      { key: 'Mod-s', run: act(options.onSave), preventDefault: true },
      { key: 'Mod-Enter', run: act(options.onCheck), preventDefault: true },
      ...searchKeymap,
      ...historyKeymap,
      ...foldKeymap,
      ...lintKeymap,
      ...completionKeymap,
      ...defaultKeymap,
      indentWithTab,
    ]),
    EditorState.readOnly.of(options.readOnly),
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({ 'aria-label': 'Policy set, JSON', 'aria-readonly': String(options.readOnly), tabindex: '0' }),
    EditorView.updateListener.of((u) => {
      if (u.docChanged) options.onChange(u.state.doc.toString());
    }),
  ];
}

export function createEditor(host: HTMLElement, options: EditorOptions): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
  root.replaceChildren();
  const parent = document.createElement('div');
  parent.style.height = '100%';
  root.append(parent);
  const view = new EditorView({ parent, root, state: EditorState.create({ doc: options.text, extensions: extensions(options) }) });
  const text = () => view.state.doc.toString();
  const select = (from: number, to = from) => {
    view.dispatch({ selection: { anchor: from, head: to }, effects: EditorView.scrollIntoView(from, { y: 'center' }) });
    view.focus();
  };
  return {
    text,
    setText: (next) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: next } }),
    setErrors: (errors, warnings = []) => {
      const of = (severity: 'error' | 'warning') => (e: ValidationError): Diagnostic => ({ ...placeOf(text(), e), severity, message: e.message });
      const list = [...errors.map(of('error')), ...warnings.map(of('warning'))];
      view.dispatch(setDiagnostics(view.state, list));
    },
    show: (e) => select(placeOf(text(), e).from),
    select,
    find: (wanted) => {
      const at = text().indexOf(wanted);
      if (at >= 0) select(at, at + wanted.length);
    },
    destroy: () => view.destroy(),
  };
}
