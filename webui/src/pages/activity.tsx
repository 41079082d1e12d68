import { useEffect, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { zone } from '../app/prefs';
import { More } from '../components/listing';
import { Alert, Empty, Loading, Time } from '../components/parts';
import { zoneName } from '../lib/time';
import { shown } from '../lib/text';

// Digests are long and alike: their starts tell them apart, the whole is in the title.
function Digest({ text }: { text: string }) {
  return (
    <code title={text}>{shown(text, 13)}</code>
  );
}

function Before({ event: e }: { event: Schemas['AdminEvent'] }) {
  return (
    <>
      {e.before && (
        <>
          <Digest text={e.before} /> {'\u2192'}{' '}
        </>
      )}
      {e.after && <Digest text={e.after} />} {shown(e.detail, 200)}
    </>
  );
}

export function ActivityPage() {
  const [items, setItems] = useState<Schemas['AdminEvent'][]>();
  const [next, setNext] = useState<string | null>(null);
  const [error, setError] = useState('');
  const load = async (cursor?: string) => {
    const r = await ask(api.GET('/api/v1/admin-events', { params: { query: { limit: 100, cursor } } }));
    setError(r.error ?? '');
    if (!r.data) return;
    setItems(cursor ? [...(items ?? []), ...r.data.items] : r.data.items);
    setNext(r.data.exhausted ? null : r.data.next_cursor);
  };
  useEffect(() => void load(), []);
  return (
    <section class="page">
      <header class="page-head">
        <h1>Admin activity</h1>
      </header>
      <p class="muted">Every act of an account, refused ones too, in the same chained trail as the decisions.</p>
      {error && <Alert>{error}</Alert>}
      {!items && !error && <Loading what="acts" />}
      {items?.length === 0 && <Empty title="Nobody has done anything yet" />}
      {items && items.length > 0 && (
        <table class="rows cards-narrow activity">
          <caption class="hidden">Acts, newest first</caption>
          <thead>
            <tr>
              <th scope="col">Time ({zoneName(zone.value)})</th>
              <th scope="col">Who</th>
              <th scope="col">Act</th>
              <th scope="col">Target</th>
              <th scope="col">Result</th>
              <th scope="col">Channel</th>
              <th scope="col">Detail</th>
            </tr>
          </thead>
          <tbody>
            {items.map((e) => (
              <tr key={e.id}>
                <td data-label="Time">
                  <Time iso={e.time} />
                </td>
                <td data-label="Who">{shown(e.actor) || <span class="muted">nobody</span>}</td>
                <td data-label="Act">
                  <code>{shown(e.action)}</code>
                </td>
                <td data-label="Target" title={shown(e.target, 600)}>
                  {shown(e.target, 80)}
                </td>
                <td data-label="Result">
                  <span class={`verdict ${e.result === 'ok' ? 'good' : 'bad'}`}>{shown(e.result)}</span> {shown(e.reason)}
                </td>
                <td data-label="Channel">
                  {shown(e.channel)} {shown(e.src)}
                </td>
                <td data-label="Detail" class="grow">
                  {(e.before || e.after || e.detail) && <Before event={e} />}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <More next={next} onMore={(cursor) => void load(cursor)} />
    </section>
  );
}
