import { useEffect, useState } from 'preact/hooks';
import { api, ask, type Decision } from '../api/client';
import { goWith, place } from '../app/router';
import { zone } from '../app/prefs';
import { may } from '../app/session';
import { Alert, Dialog, Empty, Loading, Time, Verdict } from '../components/parts';
import { DecisionView } from './decision';
import { fromInput, toInput, zoneName } from '../lib/time';
import { shown } from '../lib/text';

const ranges: [string, string][] = [
  ['now-15m', 'Last 15 minutes'],
  ['now-1h', 'Last hour'],
  ['now-24h', 'Last 24 hours'],
  ['now-7d', 'Last 7 days'],
  ['now-30d', 'Last 30 days'],
];

interface Pages {
  items: Decision[];
  next: string | null;
  from: string | null;
  to: string | null;
  exhausted: boolean;
}

function parameters(): { q?: string; from?: string; to?: string } {
  const { query } = place.value;
  const of = (name: string) => query.get(name) || undefined;
  return { q: of('q'), from: of('from'), to: of('to') };
}

// Acts of accounts have a page of their own; a query that names kinds has its way.
function asked(q: string | undefined): string {
  return q && /(^|\s)-?kind:/.test(q) ? q : ['-kind:admin', q].filter(Boolean).join(' ');
}

function exportHref(format: 'csv' | 'ndjson'): string {
  const query = new URLSearchParams();
  const { q, from, to } = parameters();
  for (const [name, value] of Object.entries({ q: asked(q), from, to })) if (value) query.set(name, value);
  const text = query.toString();
  return `/api/v1/decisions.${format}${text ? `?${text}` : ''}`;
}

function RangePicker() {
  const { from = '', to = '' } = parameters();
  const quick = ranges.find(([value]) => value === from && !to);
  const [exact, setExact] = useState(!!(from || to) && !quick);
  return (
    <fieldset class="range">
      <legend class="hidden">Time range</legend>
      <select
        aria-label="Time range"
        value={exact ? 'exact' : (quick?.[0] ?? '')}
        onChange={(e) => {
          const value = e.currentTarget.value;
          setExact(value === 'exact');
          if (value !== 'exact') goWith({ from: value, to: '' });
        }}
      >
        <option value="">All time</option>
        {ranges.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
        <option value="exact">{'Exact\u2026'}</option>
      </select>
      {exact && (
        <>
          <label>
            from{' '}
            <input type="datetime-local" step="1" value={toInput(from, zone.value)} onChange={(e) => goWith({ from: fromInput(e.currentTarget.value, zone.value) })} />
          </label>
          <label>
            to, not included{' '}
            <input type="datetime-local" step="1" value={toInput(to, zone.value)} onChange={(e) => goWith({ to: fromInput(e.currentTarget.value, zone.value) })} />
          </label>
          <span class="muted">{zoneName(zone.value)}</span>
        </>
      )}
    </fieldset>
  );
}

// The parts of the query, each with a button that takes it away; the text stays the one truth.
function Chips({ q }: { q: string }) {
  const terms = q.match(/-?[\w.]+:(?:"[^"]*"|\S+)|"[^"]*"|\S+/g) ?? [];
  if (!terms.length) return null;
  return (
    <ul class="chips" aria-label="Filters">
      {terms.map((term, i) => (
        <li key={`${i}${term}`} class={term.startsWith('-') ? 'not' : ''}>
          {shown(term)}
          <button type="button" aria-label={`Remove ${term}`} onClick={() => goWith({ q: terms.filter((_, j) => j !== i).join(' ') })}>
            {'\u2715'}
          </button>
        </li>
      ))}
    </ul>
  );
}

function SearchBar() {
  const q = place.value.query.get('q') ?? '';
  const [text, setText] = useState(q);
  useEffect(() => setText(q), [q]);
  return (
    <form
      class="search"
      role="search"
      onSubmit={(e) => {
        e.preventDefault();
        goWith({ q: text.trim() });
      }}
    >
      <input
        type="search"
        aria-label="Search decisions"
        placeholder="verdict:deny service:orders -user:bot path:/v1/*"
        value={text}
        spellcheck={false}
        autocapitalize="none"
        onInput={(e) => setText(e.currentTarget.value)}
      />
      <button class="primary">Search</button>
    </form>
  );
}

function QuickVerdicts() {
  const q = place.value.query.get('q') ?? '';
  const without = q.replace(/(^|\s)verdict:\S+/g, '').trim();
  const current = /(?:^|\s)verdict:(\S+)/.exec(q)?.[1] ?? '';
  return (
    <div class="segments" role="group" aria-label="Verdict">
      {['', 'allow', 'deny', 'authenticate', 'unavailable'].map((verdict) => (
        <button
          key={verdict}
          type="button"
          aria-pressed={current === verdict}
          onClick={() => goWith({ q: verdict ? `verdict:${verdict} ${without}`.trim() : without })}
        >
          {verdict || 'all'}
        </button>
      ))}
    </div>
  );
}

function useDecisions() {
  const { q, from, to } = parameters();
  const [pages, setPages] = useState<Pages>();
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const load = async (cursor?: string, before?: Pages) => {
    setBusy(true);
    const r = await ask(api.GET('/api/v1/decisions', { params: { query: { q: asked(q), from, to, cursor, limit: 100 } } }));
    setBusy(false);
    if (!r.data) {
      const place = r.problem?.errors?.[0];
      setError(place ? `${r.error} (column ${place.column}: ${place.message})` : (r.error ?? ''));
      return;
    }
    setError('');
    setPages({
      items: [...(before?.items ?? []), ...r.data.items],
      next: r.data.next_cursor,
      from: r.data.from,
      to: r.data.to,
      exhausted: r.data.exhausted,
    });
  };
  useEffect(() => {
    setPages(undefined);
    void load();
  }, [q, from, to]);
  return { pages, error, busy, reload: () => void load(), more: () => void load(pages?.next ?? undefined, pages) };
}

function moveRow(event: KeyboardEvent): void {
  const row = event.currentTarget as HTMLElement;
  const to = event.key === 'j' || event.key === 'ArrowDown' ? row.nextElementSibling : event.key === 'k' || event.key === 'ArrowUp' ? row.previousElementSibling : null;
  if (!(to instanceof HTMLElement)) return;
  event.preventDefault();
  to.querySelector<HTMLElement>('a')?.focus();
}

function who(d: Decision): string {
  return d.user || d.workload || d.actor || (d.kind === 'request' ? 'anonymous' : d.kind);
}

function Row({ d, onOpen }: { d: Decision; onOpen: (d: Decision) => void }) {
  return (
    <tr onKeyDown={moveRow} onClick={() => onOpen(d)}>
      <td data-label="Time">
        <a
          href={`/decisions/${d.id}`}
          onClick={(e) => {
            if (e.metaKey || e.ctrlKey || e.shiftKey) return e.stopPropagation();
            e.preventDefault();
          }}
        >
          <Time iso={d.time} />
        </a>
      </td>
      <td data-label="Verdict">
        <Verdict value={d.verdict} />
      </td>
      <td data-label="Who" class={d.user || d.workload ? '' : 'muted'}>
        {shown(who(d), 60)}
      </td>
      <td data-label="Request" class="grow">
        <strong>{shown(d.method ?? d.action)}</strong> {shown(d.path ?? d.target ?? d.detail, 90)}
      </td>
      <td data-label="Service">{shown(d.service, 40)}</td>
      <td data-label="Reason">
        <code>{shown(d.reason, 40)}</code>
      </td>
      <td data-label="Sent" class="number">
        {d.outcome?.status ?? ''}
      </td>
    </tr>
  );
}

function NothingYet() {
  const filtered = !!(parameters().q || parameters().from || parameters().to);
  if (filtered) {
    return (
      <Empty title="No decision matches">
        <p>
          Widen the time range or take a filter away. <a href="/decisions">Show everything</a>
        </p>
      </Empty>
    );
  }
  return (
    <Empty title="Nothing has been recorded yet">
      <p>Haward is asked when these two lines stand in the frontend of haproxy.cfg, in this order:</p>
      <pre>{'filter spoe engine haward config spoe.cfg\nhttp-request send-spoe-group haward authorize'}</pre>
      <p>
        Is HAProxy connected? <a href="/system">System</a> shows the open connections.
      </p>
    </Empty>
  );
}

export function DecisionsPage() {
  const { pages, error, busy, reload, more } = useDecisions();
  const [open, setOpen] = useState<Decision>();
  const q = place.value.query.get('q') ?? '';
  return (
    <section class="page">
      <header class="page-head">
        <h1>Decisions</h1>
        <div class="actions">
          <button type="button" onClick={reload} disabled={busy}>
            Refresh
          </button>
          {may('auditor') && (
            <>
              <a class="button" href={exportHref('csv')} download>
                CSV
              </a>
              <a class="button" href={exportHref('ndjson')} download>
                JSON Lines
              </a>
            </>
          )}
        </div>
      </header>
      <SearchBar />
      <div class="bar">
        <QuickVerdicts />
        <RangePicker />
      </div>
      <Chips q={q} />
      {error && <Alert>{error}</Alert>}
      {!pages && !error && <Loading what="decisions" />}
      {pages && pages.items.length === 0 && pages.exhausted && <NothingYet />}
      {pages && pages.items.length > 0 && (
        <table class="rows">
          <caption class="hidden">Decisions, newest first, times in {zoneName(zone.value)}</caption>
          <thead>
            <tr>
              <th scope="col">Time ({zoneName(zone.value)})</th>
              <th scope="col">Verdict</th>
              <th scope="col">Who</th>
              <th scope="col">Request</th>
              <th scope="col">Service</th>
              <th scope="col">Reason</th>
              <th scope="col" class="number">
                Sent
              </th>
            </tr>
          </thead>
          <tbody>
            {pages.items.map((d) => (
              <Row key={d.id} d={d} onOpen={setOpen} />
            ))}
          </tbody>
        </table>
      )}
      {pages && (pages.items.length > 0 || !pages.exhausted) && (
        <footer class="more" aria-live="polite">
          <span class="muted">
            {pages.items.length} shown{pages.exhausted ? ', that is all' : ''}
          </span>
          {!pages.exhausted && (
            <button type="button" onClick={more} disabled={busy}>
              {busy ? 'Loading\u2026' : 'Show more'}
            </button>
          )}
        </footer>
      )}
      {open && (
        <Dialog title="Decision" side onClose={() => setOpen(undefined)}>
          <p>
            <a href={`/decisions/${open.id}`}>Open as a page</a>
          </p>
          <DecisionView decision={open} />
        </Dialog>
      )}
    </section>
  );
}
