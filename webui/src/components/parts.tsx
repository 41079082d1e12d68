import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Schemas } from '../api/client';
import { timeText, zoneName } from '../lib/time';
import { zone } from '../app/prefs';
import { shown } from '../lib/text';

const verdicts: Record<string, { icon: string; tone: string }> = {
  allow: { icon: '\u2713', tone: 'good' },
  deny: { icon: '\u2715', tone: 'bad' },
  authenticate: { icon: '?', tone: 'warn' },
  redirect: { icon: '\u21aa', tone: 'warn' },
  limit: { icon: '\u29d6', tone: 'warn' },
  unavailable: { icon: '!', tone: 'bad' },
};

// Icon, word and colour: none of them alone.
export function Verdict({ value }: { value?: string | null }) {
  if (!value) return <span class="muted">{'\u2013'}</span>;
  const { icon, tone } = verdicts[value] ?? { icon: '?', tone: 'warn' };
  return (
    <span class={`verdict ${tone}`}>
      <span aria-hidden="true">{icon}</span> {shown(value)}
    </span>
  );
}

export function Time({ iso }: { iso?: string | null }) {
  if (!iso) return <span class="muted">never</span>;
  return (
    <time dateTime={iso} title={`${iso} (shown in ${zoneName(zone.value)})`}>
      {timeText(iso, zone.value)}
    </time>
  );
}

export function Alert({ children, tone = 'bad' }: { children: ComponentChildren; tone?: string }) {
  return (
    <div class={`alert ${tone}`} role={tone === 'bad' ? 'alert' : 'status'}>
      {children}
    </div>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <p class="loading" role="status">
      Loading {what}
      {'\u2026'}
    </p>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

// A definition list that leaves out what is not there.
export function Facts({ rows, none }: { rows: [string, ComponentChildren][]; none?: string }) {
  const there = rows.filter(([, value]) => value !== '' && value !== null && value !== undefined);
  if (!there.length && none) return <p class="muted">{none}</p>;
  return (
    <dl class="facts">
      {there.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

const held = new Set(['true', 'held', 'matched']);

// The explanation: each thing that was compared, in order.
export function WhyList({ why }: { why?: Schemas['Why'][] }) {
  if (!why?.length) return <p class="muted">The reason says it all: no policy was compared.</p>;
  return (
    <ol class="why">
      {why.map((w, i) => (
        <li key={i} class={held.has(w.result) ? 'held' : 'failed'}>
          <strong>{shown(w.policy) || 'no policy'}</strong> <code>{shown(w.rule)}</code>
          <div>
            <span aria-hidden="true">{held.has(w.result) ? '\u2713' : '\u2715'}</span> <code>{shown(w.condition, 200)}</code> {shown(w.result)}
          </div>
          {(w.expected || w.value) && (
            <dl class="pair">
              <dt>wanted</dt>
              <dd>
                <code>{shown(w.expected, 300) || '\u2013'}</code>
              </dd>
              <dt>got</dt>
              <dd>
                <code>{shown(w.value, 300) || 'nothing'}</code>
              </dd>
            </dl>
          )}
        </li>
      ))}
    </ol>
  );
}

// Copying needs a secure context; without one the button would only disappoint.
export function Copy({ what, text }: { what: string; text: () => string }) {
  const [said, setSaid] = useState('');
  if (!navigator.clipboard) return null;
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text());
      setSaid('Copied');
    } catch {
      setSaid('Not copied');
    }
    setTimeout(() => setSaid(''), 2000);
  };
  return (
    <>
      <button type="button" class="link" onClick={() => void copy()}>
        Copy {what}
      </button>
      <span role="status" class="muted">
        {said && ` ${said}`}
      </span>
    </>
  );
}

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  side?: boolean;
  wide?: boolean;
  held?: boolean; // only what it holds can close it: for what is shown once
  returnTo?: () => HTMLElement | null; // where the focus goes, if not to where it was
  onKey?: (event: KeyboardEvent) => void;
}

export function Dialog(props: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const last = useRef(props);
  const gone = useRef(false);
  last.current = props;
  useEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    if (dialog && !dialog.open) dialog.showModal();
    // Also when it goes by the browser's Back: an element that is taken away gives the focus to nobody.
    return () => {
      gone.current = true;
      dialog?.close();
      const to = last.current.returnTo?.() ?? before;
      if (to instanceof HTMLElement && to.isConnected && to !== document.body) to.focus();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      class={props.side ? 'drawer' : props.wide ? 'box wide' : 'box'}
      aria-label={props.title}
      // A browser may close it all the same, at a second Esc: what is held then comes back.
      onClose={() => gone.current || (props.held ? ref.current?.showModal() : props.onClose())}
      onCancel={(e) => props.held && e.preventDefault()}
      onKeyDown={(e) => {
        if (props.held && e.key === 'Escape') e.preventDefault();
        if (!e.ctrlKey && !e.metaKey && !e.altKey) props.onKey?.(e);
      }}
      onMouseDown={(e) => {
        if (e.target === ref.current && !props.held) ref.current?.close();
      }}
    >
      <div class="dialog-body">
        <header>
          <h2>{props.title}</h2>
          {!props.held && (
            <button type="button" class="plain" aria-label="Close" onClick={() => ref.current?.close()}>
              {'\u2715'}
            </button>
          )}
        </header>
        {props.children}
      </div>
    </dialog>
  );
}
