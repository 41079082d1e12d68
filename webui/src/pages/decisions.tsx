import { useEffect, useRef, useState } from 'preact/hooks';
import { api, ask, type Decision, type Problem } from '../api/client';
import { place } from '../app/router';
import { singleKeys, zone } from '../app/prefs';
import { may } from '../app/session';
import { Lazy } from '../components/lazy';
import { Alert, Copy, Dialog, Empty, Loading, Time, Verdict } from '../components/parts';
import { asked } from '../lib/filter';
import { columnShown, unitOfColumn } from '../lib/position';
import { rangeText } from '../lib/range';
import { zoneName } from '../lib/time';
import { count, shown, visible } from '../lib/text';
import { viewHref } from '../lib/view';
import { DecisionView, useDecision } from './decision';
import { AddFilter, Chips, QuickVerdicts, RangePicker, refreshes, SearchBar, show, view } from './decision_filters';

interface Pages {
  items: Decision[];
  next: string | null;
  from: string | null;
  to: string | null;
  exhausted: boolean;
}

interface Trouble {
  text: string;
  problem?: Partial<Problem>;
}

function exportHref(format: 'csv' | 'ndjson'): string {
  const { q, from, to, order } = view();
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ q: asked(q), from, to, order: order === 'asc' ? order : '' })) if (value) query.set(name, value);
  return `/api/v1/decisions.${format}?${query.toString()}`;
}

function useDecisions() {
  const { q, from, to, order } = view();
  const [pages, setPages] = useState<Pages>();
  const [trouble, setTrouble] = useState<Trouble>();
  const [busy, setBusy] = useState(false);
  const turn = useRef(0); // an answer to an older question is not shown
  const load = async (before?: Pages) => {
    const mine = ++turn.current;
    setBusy(true);
    const query = { q: asked(q), from: from || undefined, to: to || undefined, order, cursor: before?.next ?? undefined, limit: 100 };
    const r = await ask(api.GET('/api/v1/decisions', { params: { query } }));
    if (mine !== turn.current) return;
    setBusy(false);
    if (!r.data) return setTrouble({ text: r.error ?? '', problem: r.problem });
    setTrouble(undefined);
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
    setTrouble(undefined);
    void load();
  }, [q, from, to, order]);
  useEffect(
    () => () => {
      turn.current = -1;
    },
    [],
  );
  return { pages, trouble, busy, reload: () => void load(), more: () => void load(pages) };
}

// What the agent could not read, with the place under the text. Columns behind the text are of what was added to it.
function QueryError({ trouble }: { trouble: Trouble }) {
  const { q } = view();
  const at = trouble.problem?.errors?.[0];
  if (!at?.column) return <Alert>{trouble.text}</Alert>;
  const unit = unitOfColumn(q, at.column);
  return (
    <div class="alert bad" role="alert" id="query-error">
      <p>
        {shown(at.message || trouble.text, 300)} (column {columnShown(q, 1, at.column)})
      </p>
      <pre class="marked">
        {visible(q.slice(0, unit))}
        <mark>{visible(/^[^\s,]+/.exec(q.slice(unit))?.[0] ?? q.charAt(unit)) || '\u00a0'}</mark>
        {visible(q.slice(unit).replace(/^[^\s,]+/, ''))}
      </pre>
    </div>
  );
}

const steps: Record<string, number> = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };

function moveRow(event: KeyboardEvent): void {
  const step = steps[event.key];
  if (!step || event.ctrlKey || event.metaKey || event.altKey || (event.key.length === 1 && !singleKeys.value)) return;
  const row = event.currentTarget as HTMLElement;
  const to = step > 0 ? row.nextElementSibling : row.previousElementSibling;
  if (!(to instanceof HTMLElement)) return;
  event.preventDefault();
  to.querySelector<HTMLElement>('a')?.focus();
}

function who(d: Decision): string {
  return d.user || d.workload || d.actor || (d.kind === 'request' ? 'anonymous' : d.kind);
}

function rowLink(id: string): HTMLElement | null {
  return document.getElementById(`row-${id}`);
}

function openRow(event: MouseEvent, d: Decision): void {
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0) return;
  if (String(getSelection() ?? '') && !(event.target as Element).closest('a')) return; // text is being selected
  event.preventDefault();
  rowLink(d.id)?.focus();
  show({ open: d.id });
}

function Row({ d, current }: { d: Decision; current: boolean }) {
  return (
    <tr class={current ? 'current' : ''} onKeyDown={moveRow} onClick={(e) => openRow(e, d)}>
      <td class="time">
        <a id={`row-${d.id}`} href={`/decisions/${d.id}`}>
          <Time iso={d.time} />
        </a>
      </td>
      <td class="what">
        <Verdict value={d.verdict} />
        {d.shadow && d.shadow.verdict !== d.verdict && (
          <span class="tag" title="What the policies in shadow mode would have said">
            shadow: {d.shadow.verdict}
          </span>
        )}
      </td>
      <td class={d.user || d.workload ? 'who' : 'who muted'} title={shown(who(d), 600)}>
        {shown(who(d), 60)}
      </td>
      <td class="subject">
        <strong>{shown(d.method ?? d.action)}</strong> <span class="path">{shown(d.path ?? d.target ?? d.detail, 120)}</span>
      </td>
      <td class="service">{shown(d.service, 40)}</td>
      <td class="reason">
        <code>{shown(d.reason, 40)}</code>
      </td>
      <td class="sent number">{d.outcome?.status ?? ''}</td>
    </tr>
  );
}

function Table({ items, open }: { items: Decision[]; open: string }) {
  const { order } = view();
  const newest = order === 'desc';
  return (
    <table class="rows decisions">
      <caption class="hidden">
        Decisions, {newest ? 'newest' : 'oldest'} first, times in {zoneName(zone.value)}
      </caption>
      <thead>
        <tr>
          <th scope="col" aria-sort={newest ? 'descending' : 'ascending'}>
            <button type="button" class="sort" title={newest ? 'Oldest first' : 'Newest first'} onClick={() => show({ order: newest ? 'asc' : 'desc' })}>
              Time ({zoneName(zone.value)}) <span aria-hidden="true">{newest ? '\u2193' : '\u2191'}</span>
            </button>
          </th>
          <th scope="col">Verdict</th>
          <th scope="col">Who</th>
          <th scope="col">Request</th>
          <th scope="col">Service</th>
          <th scope="col">Reason</th>
          <th scope="col" class="number" title="The status that HAProxy sent, from its log">
            Sent
          </th>
        </tr>
      </thead>
      <tbody>
        {items.map((d) => (
          <Row key={d.id} d={d} current={d.id === open} />
        ))}
      </tbody>
    </table>
  );
}

function Nothing() {
  const { q, from, to } = view();
  if (q || from || to) {
    return (
      <Empty title="No decision matches">
        <p>
          Widen the time range or take a filter away.{' '}
          {(from || to) && q && (
            <>
              <a href={viewHref({ q })}>The same filter over all time</a>, or{' '}
            </>
          )}
          <a href="/decisions">show everything</a>
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

function Drawer({ id, items }: { id: string; items: Decision[] }) {
  const at = items.findIndex((d) => d.id === id);
  const { decision, error } = useDecision(id, items[at]);
  const beside = (step: number): Decision | undefined => (at < 0 ? undefined : items[at + step]);
  const move = (step: number) => {
    const to = step ? beside(step) : undefined;
    if (to) show({ open: to.id }, true);
  };
  return (
    <Dialog
      title="Decision"
      side
      returnTo={() => rowLink(id)}
      onClose={() => show({ open: '' }, true)}
      onKey={(e) => {
        if (singleKeys.value && e.key.length === 1) move(steps[e.key] ?? 0);
      }}
    >
      <div class="bar tight">
        <a href={`/decisions/${id}`}>Open as a page</a>
        <div class="actions">
          <button type="button" disabled={!beside(-1)} onClick={() => move(-1)}>
            {'\u2191'} Previous
          </button>
          <button type="button" disabled={!beside(1)} onClick={() => move(1)}>
            {'\u2193'} Next
          </button>
        </div>
      </div>
      {at < 0 && decision && <Alert tone="info">It is not among the rows behind: the filter or the range leaves it out, or it is further down.</Alert>}
      {error && <Alert>{error}</Alert>}
      {!decision && !error && <Loading what="the decision" />}
      {decision && <DecisionView decision={decision} />}
    </Dialog>
  );
}

// The range that was searched, and a link that will show the same rows tomorrow.
function Searched({ pages }: { pages: Pages }) {
  const text = rangeText(pages.from, pages.to, zone.value);
  if (!text) return null;
  const link = () => new URL(viewHref({ ...view(), from: pages.from ?? '', to: pages.to ?? '' }), location.href).href;
  return (
    <p class="muted searched">
      {text} <Copy what="a link with these times" text={link} />
    </p>
  );
}

export function DecisionsPage() {
  const { pages, trouble, busy, reload, more } = useDecisions();
  const open = place.value.query.get('open') ?? '';
  const isQuery = !!trouble?.problem?.errors?.[0]?.column;
  return (
    <section class="page">
      <header class="page-head">
        <h1>Decisions</h1>
        <div class="actions">
          <button
            type="button"
            onClick={() => {
              reload();
              refreshes.value++;
            }}
            disabled={busy}
          >
            Refresh
          </button>
          {may('auditor') && !trouble && (
            <>
              <a class="button" href={exportHref('csv')} download title="All rows of this filter and range, not only those shown">
                Export CSV
              </a>
              <a class="button" href={exportHref('ndjson')} download title="All rows of this filter and range, not only those shown">
                JSON Lines
              </a>
            </>
          )}
        </div>
      </header>
      <SearchBar bad={isQuery} />
      <div class="bar">
        <div class="actions">
          <QuickVerdicts />
          <AddFilter />
        </div>
        <RangePicker />
      </div>
      <Chips />
      {trouble && <QueryError trouble={trouble} />}
      {!pages && !trouble && <Loading what="decisions" />}
      {!trouble && <Lazy name="decision_counts" load={() => import('./decision_counts').then((m) => m.CountsView)} />}
      {pages && !trouble && <Searched pages={pages} />}
      {pages && pages.items.length === 0 && pages.exhausted && <Nothing />}
      {pages && pages.items.length > 0 && <Table items={pages.items} open={open} />}
      {pages && (pages.items.length > 0 || !pages.exhausted) && (
        <footer class="more" aria-live="polite">
          <span class="muted">
            {count(pages.items.length)} shown{pages.exhausted ? ', that is all' : ''}
          </span>
          {!pages.exhausted && (
            <button type="button" onClick={more} disabled={busy}>
              {busy ? 'Loading\u2026' : 'Show more'}
            </button>
          )}
        </footer>
      )}
      {open && <Drawer id={open} items={pages?.items ?? []} />}
    </section>
  );
}
