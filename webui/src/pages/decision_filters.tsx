// The controls above the list. Each of them only rewrites the address: query text, range, order.
import { signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { go, place } from '../app/router';
import { zone } from '../app/prefs';
import { fields, onlyValue, parseFilter, termText, withOnly, withoutTerm, withTerm } from '../lib/filter';
import { isBackwards, quickRanges, rangeChoice } from '../lib/range';
import { parseTyped, typedText, zoneName } from '../lib/time';
import { shown } from '../lib/text';
import { readView, viewHref, type View } from '../lib/view';

// How often Refresh was pressed: what asks the agent for itself asks again.
export const refreshes = signal(0);

export function view(): View {
  return readView(place.value.query);
}

export function show(changes: Partial<View>, replace = false): void {
  go(viewHref({ ...view(), ...changes }), replace);
}

export function SearchBar({ bad }: { bad: boolean }) {
  const { q } = view();
  const [text, setText] = useState(q);
  useEffect(() => setText(q), [q]);
  return (
    <form
      class="search"
      role="search"
      onSubmit={(e) => {
        e.preventDefault();
        show({ q: text.replace(/[\t\r\n]/g, ' ').trim(), open: '' });
      }}
    >
      <input
        type="search"
        aria-label="Search decisions"
        aria-invalid={bad || undefined}
        aria-describedby={bad ? 'query-error' : undefined}
        placeholder="verdict:deny service:orders -user:bot path:/v1/*"
        value={text}
        spellcheck={false}
        autocapitalize="none"
        autocomplete="off"
        onInput={(e) => setText(e.currentTarget.value)}
      />
      <button class="primary">Search</button>
    </form>
  );
}

export function QuickVerdicts() {
  const { q } = view();
  const current = onlyValue(q, 'verdict');
  return (
    <div class="segments" role="group" aria-label="Verdict">
      {['', 'allow', 'deny', 'authenticate', 'unavailable'].map((verdict) => (
        <button key={verdict} type="button" aria-pressed={current === verdict} onClick={() => show({ q: withOnly(q, 'verdict', verdict), open: '' })}>
          {verdict || 'all'}
        </button>
      ))}
    </div>
  );
}

function Bound(props: { label: string; value: string; onValue: (value: string) => void }) {
  const [error, setError] = useState('');
  const id = `bound-${props.label.replace(/\W+/g, '-')}`;
  return (
    <span class="bound">
      <label>
        {props.label}{' '}
        <input
          key={`${props.value} ${zone.value}`}
          type="text"
          size={23}
          autocomplete="off"
          spellcheck={false}
          placeholder="2026-03-01 14:30:00"
          defaultValue={typedText(props.value, zone.value)}
          aria-invalid={error ? true : undefined}
          aria-describedby={error ? id : undefined}
          onChange={(e) => {
            const typed = parseTyped(e.currentTarget.value, zone.value);
            if ('error' in typed) return setError(typed.error);
            setError('');
            props.onValue(typed.value);
          }}
        />
      </label>
      {error && (
        <small id={id} class="wrong" role="alert">
          {error}
        </small>
      )}
    </span>
  );
}

const exact = signal(false); // chosen, though no bound is typed yet

export function RangePicker() {
  const { from, to } = view();
  const choice = rangeChoice(from, to);
  const isExact = exact.value || choice === 'exact';
  return (
    <fieldset class="range">
      <legend class="hidden">Time range</legend>
      <select
        aria-label="Time range"
        value={isExact ? 'exact' : choice}
        onChange={(e) => {
          const { value } = e.currentTarget;
          exact.value = value === 'exact';
          if (!exact.value) show({ from: value, to: '', open: '' });
        }}
      >
        <option value="">All time</option>
        {quickRanges.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
        <option value="exact">{'Exact\u2026'}</option>
      </select>
      {isExact && (
        <>
          <Bound label="from" value={from} onValue={(value) => show({ from: value, open: '' })} />
          <Bound label="to, not included" value={to} onValue={(value) => show({ to: value, open: '' })} />
          <span class="muted">{zoneName(zone.value)}</span>
          {isBackwards(from, to) && (
            <span class="wrong" role="alert">
              The end is not after the start.
            </span>
          )}
        </>
      )}
    </fieldset>
  );
}

// The parts of the query, each with a button that takes it away; the text stays the one truth.
export function Chips() {
  const { q } = view();
  const terms = parseFilter(q);
  if (!terms.length) return null;
  return (
    <ul class="chips" aria-label="Filters">
      {terms.map((term, i) => (
        <li key={`${i}${term.text}`} class={term.exclude ? 'not' : ''}>
          <span>{shown(term.text)}</span>
          <button type="button" aria-label={`Remove ${shown(term.text)}`} onClick={() => show({ q: withoutTerm(q, i), open: '' })}>
            {'\u2715'}
          </button>
        </li>
      ))}
    </ul>
  );
}

const known: Record<string, string[]> = {
  verdict: ['allow', 'deny', 'authenticate', 'redirect', 'limit', 'unavailable'],
  shadow: ['allow', 'deny', 'authenticate', 'redirect', 'limit', 'unavailable'],
  method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
  auth_method: ['none', 'jwt', 'mtls', 'introspection', 'api_key', 'session', 'basic'],
  has: ['outcome', 'shadow', 'user', 'workload', 'cut'],
  kind: ['request', 'connection', 'admin', 'system', 'unaccounted', 'gap'],
  status: ['200', '401', '403', '503', '4xx', '5xx'],
  outcome_status: ['2xx', '3xx', '4xx', '5xx'],
};

const patterned = new Set(['path', 'host', 'user', 'service', 'policy', 'reason', 'route', 'workload', 'source', 'issuer', 'client', 'group', 'scope', 'user_agent']);

// For those who do not know the language yet: it writes the term that they could have typed.
export function AddFilter() {
  const [field, setField] = useState('user');
  const box = useRef<HTMLDetailsElement>(null);
  const add = (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const data = new FormData(form);
    const value = String(data.get('value')).trim();
    if (!value) return;
    // A star typed here means "anything", as it does in the text.
    const isPattern = patterned.has(field) && value.includes('*') && !/[\s,"\\]/.test(value);
    const exclude = data.get('how') === 'not';
    const term = isPattern ? `${exclude ? '-' : ''}${field}:${value}` : termText(field, value, exclude);
    form.reset();
    show({ q: withTerm(view().q, term), open: '' });
    if (box.current) box.current.open = false;
    box.current?.querySelector('summary')?.focus();
  };
  return (
    <details
      class="add"
      ref={box}
      onKeyDown={(e) => {
        if (e.key !== 'Escape' || !box.current?.open) return;
        box.current.open = false;
        box.current.querySelector('summary')?.focus();
      }}
    >
      <summary class="button">Add a filter</summary>
      <form class="panel" onSubmit={add}>
        <label class="field">
          <span>Field</span>
          <select name="field" value={field} onChange={(e) => setField(e.currentTarget.value)}>
            {fields.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label class="field">
          <span>Condition</span>
          <select name="how">
            <option value="is">is</option>
            <option value="not">is not</option>
          </select>
        </label>
        <label class="field">
          <span>Value</span>
          <input name="value" list="filter-values" autocomplete="off" autocapitalize="none" spellcheck={false} required />
          <datalist id="filter-values">
            {(known[field] ?? []).map((value) => (
              <option key={value} value={value} />
            ))}
          </datalist>
          <small class="muted">
            {patterned.has(field) ? 'Exact, or with * for anything: /v1/*' : /status|_us|_ms/.test(field) ? 'A number, 4xx, >500 or 200..299' : 'Exact'}
          </small>
        </label>
        <button class="primary">Add</button>
      </form>
    </details>
  );
}
