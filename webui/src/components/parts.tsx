import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
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
export function Facts({ rows }: { rows: [string, ComponentChildren][] }) {
  const there = rows.filter(([, value]) => value !== '' && value !== null && value !== undefined);
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

export function Dialog(props: { title: string; onClose: () => void; children: ComponentChildren; side?: boolean }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    if (dialog && !dialog.open) dialog.showModal();
  }, []);
  return (
    <dialog
      ref={ref}
      class={props.side ? 'drawer' : 'box'}
      aria-label={props.title}
      onClose={props.onClose}
      onClick={(e) => {
        if (e.target === ref.current) ref.current?.close();
      }}
    >
      <div class="dialog-body">
        <header>
          <h2>{props.title}</h2>
          <button type="button" class="plain" aria-label="Close" onClick={() => ref.current?.close()}>
            {'\u2715'}
          </button>
        </header>
        {props.children}
      </div>
    </dialog>
  );
}
