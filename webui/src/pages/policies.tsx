import { useEffect, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { myWork } from '../app/draft';
import { place } from '../app/router';
import { may } from '../app/session';
import { Alert, Empty, Loading, Verdict } from '../components/parts';
import { termText } from '../lib/filter';
import { shown } from '../lib/text';
import { viewHref } from '../lib/view';
import { History } from './history';
import { Impact } from './impact';
import { Source } from './source';
import { Try } from './try';

function List() {
  const [list, setList] = useState<Schemas['PolicyList']>();
  const [error, setError] = useState('');
  const [none, setNone] = useState(false);
  useEffect(() => {
    void ask(api.GET('/api/v1/policies')).then((r) => {
      if (r.data) setList(r.data);
      else if (r.status === 404) setNone(true);
      else setError(r.error ?? '');
    });
  }, []);
  if (error) return <Alert>{error}</Alert>;
  if (!list && !none) return <Loading what="policies" />;
  if (!list?.items.length) {
    return (
      <Empty title="There is no policy">
        <p>
          Everything is denied. Write the first one under <a href="/policies?tab=source">Source</a>, or start from
          haproxy-examples/quickstart/policy.json.
        </p>
      </Empty>
    );
  }
  return (
    <table class="rows cards-narrow">
      <caption class="hidden">Policies of version {list.version}</caption>
      <thead>
        <tr>
          <th scope="col">Policy</th>
          <th scope="col">Action</th>
          <th scope="col">Mode</th>
          <th scope="col">Services</th>
          <th scope="col" class="number">
            Rules
          </th>
          <th scope="col">
            <span class="hidden">Links</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {list.items.map((p) => (
          <tr key={p.pointer}>
            <td data-label="Policy" class="grow">
              <a href={`/policies?tab=source&at=${encodeURIComponent(p.pointer)}`} title="Its place in the source">
                <strong>{shown(p.name)}</strong>
              </a>
            </td>
            <td data-label="Action">
              <Verdict value={p.action === 'ALLOW' ? 'allow' : 'deny'} />
            </td>
            <td data-label="Mode">
              <span class={p.mode === 'enforce' ? '' : 'tag warn'}>{p.mode}</span>
            </td>
            <td data-label="Services">{p.services.length ? p.services.map((s) => shown(s)).join(', ') : <span class="muted">all</span>}</td>
            <td data-label="Rules" class="number">
              {p.n_rules}
            </td>
            <td>
              <a class="seen" href={viewHref({ q: termText(p.mode === 'shadow' ? 'shadow_policy' : 'policy', p.name) })}>
                Decisions <span class="hidden">of {shown(p.name)}</span>
              </a>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const tabs: [string, string, () => boolean][] = [
  ['', 'Policies', () => true],
  ['source', 'Source', () => true],
  ['try', 'Try', () => may('editor')],
  ['impact', 'Impact', () => may('editor')],
  ['history', 'History', () => true],
];

export function PoliciesPage() {
  const tab = place.value.query.get('tab') ?? '';
  return (
    <section class="page">
      <header class="page-head">
        <h1>Policies</h1>
      </header>
      <nav class="segments tabs" aria-label="Views of the policy set">
        {tabs
          .filter(([, , visible]) => visible())
          .map(([name, title]) => (
            <a key={name} href={name ? `/policies?tab=${name}` : '/policies'} aria-current={tab === name ? 'page' : undefined}>
              {title}
              {name === 'source' && myWork() && (
                <span class="dot" title="Changed here, not published">
                  <span class="hidden"> (changed here)</span>
                </span>
              )}
            </a>
          ))}
      </nav>
      {tab === 'source' ? <Source /> : tab === 'history' ? <History /> : tab === 'try' && may('editor') ? <Try /> : tab === 'impact' && may('editor') ? <Impact /> : <List />}
    </section>
  );
}
