import { useEffect, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { Alert, Empty, Loading, Time } from '../components/parts';
import { shown } from '../lib/text';

export function ActivityPage() {
  const [items, setItems] = useState<Schemas['AdminEvent'][]>();
  const [next, setNext] = useState<string | null>(null);
  const [error, setError] = useState('');
  const load = async (cursor?: string) => {
    const r = await ask(api.GET('/api/v1/admin-events', { params: { query: { limit: 100, cursor } } }));
    if (!r.data) return setError(r.error ?? '');
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
        <table class="rows">
          <caption class="hidden">Acts, newest first</caption>
          <thead>
            <tr>
              <th scope="col">Time</th>
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
                <td data-label="Target">{shown(e.target)}</td>
                <td data-label="Result">
                  <span class={`verdict ${e.result === 'ok' ? 'good' : 'bad'}`}>{shown(e.result)}</span> {shown(e.reason)}
                </td>
                <td data-label="Channel">
                  {shown(e.channel)} {shown(e.src)}
                </td>
                <td data-label="Detail" class="grow">
                  {shown([e.before && `${e.before} \u2192`, e.after, e.detail].filter(Boolean).join(' '), 200)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {next && (
        <footer class="more">
          <button type="button" onClick={() => void load(next)}>
            Show more
          </button>
        </footer>
      )}
    </section>
  );
}
