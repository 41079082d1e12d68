// What stands above the rows: how many there are over time, and which values they have.
import { useEffect, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { zone } from '../app/prefs';
import { may } from '../app/session';
import { Alert, Loading } from '../components/parts';
import { asked, termText, withTerm } from '../lib/filter';
import { count, shown } from '../lib/text';
import { spanText, timeText } from '../lib/time';
import { refreshes, show, view } from './decision_filters';

type Histogram = Schemas['DecisionHistogram'];
type Bar = Histogram['items'][number];
type Facets = Schemas['DecisionFacets'];

const refused = (bar: Bar) => bar.deny + bar.authenticate + bar.limit + bar.unavailable;
const granted = (bar: Bar) => bar.allow + bar.redirect;
const total = (bar: Bar) => refused(bar) + granted(bar) + bar.others;
const sum = (bars: Bar[], of: (bar: Bar) => number) => bars.reduce((n, bar) => n + of(bar), 0);

// What of a question makes another answer.
function useQuestion() {
  const { q, from, to } = view();
  return { q: asked(q), from: from || undefined, to: to || undefined };
}

function Incomplete({ since, exhausted }: { since: string | null; exhausted: boolean }) {
  if (exhausted) return null;
  return <span class="tag">{since ? `counted since ${timeText(since, zone.value)}` : 'not all could be counted'}</span>;
}

function Bars({ histogram }: { histogram: Histogram }) {
  const most = Math.max(1, ...histogram.items.map(total));
  const narrow = (bar: Bar) => {
    const end = new Date(Date.parse(bar.time) + histogram.step * 1000).toISOString();
    show({ from: bar.time, to: end, open: '' });
  };
  return (
    <svg class="bars" viewBox={`0 0 ${histogram.items.length} 100`} preserveAspectRatio="none" aria-hidden="true">
      {histogram.items.map((bar, i) => {
        const high = (n: number) => (n / most) * 100;
        const [bad, good, other] = [high(refused(bar)), high(granted(bar)), high(bar.others)];
        return (
          <g key={bar.time} onClick={() => narrow(bar)}>
            <title>
              {`${timeText(bar.time, zone.value)}: ${count(granted(bar))} granted, ${count(refused(bar))} refused${bar.others ? `, ${count(bar.others)} others` : ''}`}
            </title>
            <rect class="hit" x={i} y={0} width={1} height={100} />
            <rect class="bad" x={i + 0.08} y={100 - bad} width={0.84} height={bad} />
            <rect class="good" x={i + 0.08} y={100 - bad - good} width={0.84} height={good} />
            <rect class="other" x={i + 0.08} y={100 - bad - good - other} width={0.84} height={other} />
          </g>
        );
      })}
    </svg>
  );
}

function HistogramView() {
  const question = useQuestion();
  const [histogram, setHistogram] = useState<Histogram>();
  useEffect(() => {
    let current = true;
    void ask(api.GET('/api/v1/decisions/histogram', { params: { query: question } })).then((r) => {
      if (current) setHistogram(r.data); // what is wrong with the question is told below, by the list
    });
    return () => {
      current = false;
    };
  }, [question.q, question.from, question.to, refreshes.value]);
  if (!histogram) return null;
  const { items, from, to, step } = histogram;
  return (
    <figure class="histogram">
      <figcaption>
        <strong>{count(sum(items, total))}</strong> in {spanText((Date.parse(to) - Date.parse(from)) / 1000)}:{' '}
        <span class="mark-good">{count(sum(items, granted))} granted</span>, <span class="mark-bad">{count(sum(items, refused))} refused</span>
        {sum(items, (bar) => bar.others) > 0 && `, ${count(sum(items, (bar) => bar.others))} others`}; a bar is {spanText(step)}{' '}
        <Incomplete since={histogram.complete_from} exhausted={histogram.exhausted} />
      </figcaption>
      <Bars histogram={histogram} />
      <p class="axis muted">
        <span>{timeText(from, zone.value).replace(/\.000$/, '')}</span>
        <span>{timeText(to, zone.value).replace(/\.000$/, '')}</span>
      </p>
    </figure>
  );
}

function Facet({ facet }: { facet: Facets['fields'][number] }) {
  const { q } = view();
  const more = facet.n_values - facet.values.length;
  if (facet.values.length === 0) return null;
  return (
    <section class="facet">
      <h3>{facet.field}</h3>
      <ul>
        {facet.values.map((v) => (
          <li key={v.value}>
            <button
              type="button"
              class="link"
              title={`Only ${facet.field} ${shown(v.value, 200)}`}
              onClick={() => show({ q: withTerm(q, termText(facet.field, v.value)), open: '' })}
            >
              {shown(v.value, 40)}
            </button>
            <span class="number">{count(v.count)}</span>
            <button
              type="button"
              aria-label={`Leave out ${facet.field} ${shown(v.value, 200)}`}
              title="Leave out"
              onClick={() => show({ q: withTerm(q, `-${termText(facet.field, v.value)}`), open: '' })}
            >
              {'\u2212'}
            </button>
          </li>
        ))}
      </ul>
      {(more > 0 || facet.others > 0) && (
        <p class="muted">
          top {count(facet.values.length)} of {facet.others > 0 ? 'more than ' : ''}
          {count(facet.n_values)}
        </p>
      )}
    </section>
  );
}

function FacetLists() {
  const question = useQuestion();
  const [facets, setFacets] = useState<Facets>();
  const [error, setError] = useState('');
  const fields = ['verdict', 'service', 'policy', 'reason', 'auth_method', 'workload', 'route', ...(may('auditor') ? ['user', 'ip'] : [])].join(',');
  useEffect(() => {
    let current = true;
    void ask(api.GET('/api/v1/decisions/facets', { params: { query: { ...question, fields, top: 8 } } })).then((r) => {
      if (!current) return;
      setFacets(r.data);
      setError(r.data ? '' : (r.error ?? ''));
    });
    return () => {
      current = false;
    };
  }, [question.q, question.from, question.to, refreshes.value]);
  if (error) return <Alert>{error}</Alert>;
  if (!facets) return <Loading what="the counts" />;
  return (
    <>
      <p class="muted">
        Of {count(facets.n_rows)} events <Incomplete since={facets.complete_from} exhausted={facets.exhausted} />
      </p>
      <div class="facets">
        {facets.fields.map((facet) => (
          <Facet key={facet.field} facet={facet} />
        ))}
      </div>
    </>
  );
}

function FacetsView() {
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>Count by value</summary>
      {open && <FacetLists />}
    </details>
  );
}

export function CountsView() {
  return (
    <>
      <HistogramView />
      <FacetsView />
    </>
  );
}
