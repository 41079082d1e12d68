import { useEffect, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { myWork } from '../app/draft';
import { place } from '../app/router';
import { may } from '../app/session';
import { Alert, Empty, Loading, Time, Verdict } from '../components/parts';
import { Rules, type Rule } from '../components/rules';
import { termText } from '../lib/filter';
import { shown } from '../lib/text';
import { viewHref } from '../lib/view';
import { History } from './history';
import { Impact } from './impact';
import { Source } from './source';
import { Tests } from './tests';
import { Try } from './try';

type Summary = Schemas['PolicySummary'];
type Hits = Schemas['PolicyHits'];

function Count({ hits }: { hits: Hits }) {
  if (!hits) return <span class="muted">not counted</span>;
  return (
    <span>
      {hits.matched.toLocaleString()}
      {hits.would_change > 0 && (
        <span class="tag" title="In force, it would have decided these otherwise">
          {hits.would_change.toLocaleString()} would change
        </span>
      )}
    </span>
  );
}

// "never" alone would say too much: counting has a beginning.
function Last({ hits }: { hits: Hits }) {
  if (!hits) return null;
  if (hits.last_at) return <Time iso={hits.last_at} />;
  return (
    <span class="muted">
      never since <Time iso={hits.since} />
    </span>
  );
}

function Mode({ of }: { of: Summary }) {
  if (of.mode !== 'enforce') return <span class="tag warn">{of.mode}</span>;
  if (of.percent === 100) return <>enforce</>;
  return (
    <span class="tag warn" title={`In force for ${of.percent} of 100 callers, a shadow for the others`}>
      {of.percent} % enforce
    </span>
  );
}

function toSource(pointer: string) {
  return `/policies?tab=source&at=${encodeURIComponent(pointer)}`;
}

type Sources = Map<string, Rule[]>; // by the policy's name

// Read when the first of them is opened, and once.
async function readRules(version: string): Promise<Sources | null> {
  const r = await ask(api.GET('/api/v1/policy-set/versions/{n}', { params: { path: { n: version } } }));
  if (!r.data) return null;
  try {
    const set = JSON.parse(r.data.text) as { policies?: { name?: string; rules?: Rule[] }[] };
    return new Map((set.policies ?? []).map((p) => [p.name ?? '', p.rules ?? []]));
  } catch {
    return null;
  }
}

function RuleDetails({ of, sources, onOpen }: { of: Summary; sources?: Sources | null; onOpen: () => void }) {
  const [open, setOpen] = useState(false);
  const toggle = (event: Event) => {
    const isOpen = (event.currentTarget as HTMLDetailsElement).open;
    setOpen(isOpen);
    if (isOpen) onOpen();
  };
  return (
    <details onToggle={toggle}>
      <summary>
        {of.n_rules === 1 ? 'One rule' : `${of.n_rules} rules`}
        <span class="hidden"> of {shown(of.name)}</span>
      </summary>
      {open && sources === undefined && <Loading what="the rules" />}
      {open && sources === null && <Alert>The rules could not be read.</Alert>}
      {open && sources && <Rules rules={sources.get(of.name) ?? []} />}
    </details>
  );
}

function PolicyTable({ items, version }: { items: Summary[]; version: string }) {
  const [sources, setSources] = useState<Sources | null>();
  const load = () => {
    if (!sources) void readRules(version).then(setSources);
  };
  return (
    <table class="rows cards-narrow">
      <caption class="hidden">Policies of version {version}</caption>
      <thead>
        <tr>
          <th scope="col">Policy</th>
          <th scope="col">Action</th>
          <th scope="col">Mode</th>
          <th scope="col">Services</th>
          <th scope="col" class="number">
            Hits
          </th>
          <th scope="col">Last hit</th>
          <th scope="col">
            <span class="hidden">Links</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {items.map((p) => (
          <tr key={p.pointer}>
            <td data-label="Policy" class="grow">
              <a href={toSource(p.pointer)} title="Its place in the source">
                <strong>{shown(p.name)}</strong>
              </a>
              <RuleDetails of={p} sources={sources} onOpen={load} />
            </td>
            <td data-label="Action">
              <Verdict value={p.action === 'ALLOW' ? 'allow' : 'deny'} />
            </td>
            <td data-label="Mode">
              <Mode of={p} />
            </td>
            <td data-label="Services">{p.services.length ? p.services.map((s) => shown(s)).join(', ') : <span class="muted">all</span>}</td>
            <td data-label="Hits" class="number">
              <Count hits={p.hits} />
            </td>
            <td data-label="Last hit">
              <Last hits={p.hits} />
            </td>
            <td>
              <a class="seen" href={viewHref({ q: termText(p.mode === 'shadow' ? 'shadow_policy' : 'policy', p.name) })}>
                Decisions <span class="hidden">of {shown(p.name)}</span>
              </a>
              {p.mode === 'enforce' && p.percent < 100 && (
                <>
                  {' \u00b7 '}
                  <a class="seen" href={viewHref({ q: termText('shadow_policy', p.name) })}>
                    As a shadow <span class="hidden">of {shown(p.name)}</span>
                  </a>
                </>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function RoleTable({ items }: { items: Schemas['RoleSummary'][] }) {
  return (
    <table class="rows cards-narrow">
      <caption class="hidden">Roles</caption>
      <thead>
        <tr>
          <th scope="col">Role</th>
          <th scope="col">Inherits</th>
          <th scope="col" class="number">
            Permissions
          </th>
          <th scope="col" class="number">
            Bindings
          </th>
          <th scope="col" class="number">
            Hits
          </th>
          <th scope="col">Last hit</th>
          <th scope="col">
            <span class="hidden">Links</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {items.map((r) => (
          <tr key={r.pointer}>
            <td data-label="Role">
              <a href={toSource(r.pointer)} title="Its place in the source">
                <strong>{shown(r.name)}</strong>
              </a>
              {r.description && <div class="muted">{shown(r.description)}</div>}
            </td>
            <td data-label="Inherits">{r.inherits.map((name) => shown(name)).join(', ')}</td>
            <td data-label="Permissions" class="number">
              {r.n_permissions}
            </td>
            <td data-label="Bindings" class="number">
              {r.n_bindings}
            </td>
            <td data-label="Hits" class="number">
              {r.n_permissions > 0 && <Count hits={r.hits} />}
            </td>
            <td data-label="Last hit">
              {r.n_permissions > 0 && <Last hits={r.hits} />}
            </td>
            <td>
              {r.n_permissions > 0 && (
                <a class="seen" href={viewHref({ q: termText('policy', `role:${r.name}`) })}>
                  Decisions <span class="hidden">by {shown(r.name)}</span>
                </a>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

type Show = 'all' | 'never' | 'change';

const shows: [Show, string][] = [
  ['all', 'All'],
  ['never', 'Never hit'],
  ['change', 'Would change something'],
];

function LimitTable({ items }: { items: Schemas['LimitSummary'][] }) {
  return (
    <table class="rows cards-narrow">
      <caption class="hidden">Limits</caption>
      <thead>
        <tr>
          <th scope="col">Limit</th>
          <th scope="col">Mode</th>
          <th scope="col">Per</th>
          <th scope="col" class="number">
            Counted
          </th>
          <th scope="col" class="number">
            Refused
          </th>
          <th scope="col">Last</th>
        </tr>
      </thead>
      <tbody>
        {items.map((l) => (
          <tr key={l.pointer}>
            <td data-label="Limit">
              <a href={toSource(l.pointer)} title="Its place in the source">
                <strong>{shown(l.name)}</strong>
              </a>
              <div class="muted">
                {shown(l.amount)}
                {l.services.length > 0 && <> &middot; {l.services.map((name) => shown(name)).join(', ')}</>}
              </div>
            </td>
            <td data-label="Mode">{l.mode}</td>
            <td data-label="Per">{l.per.length ? l.per.map((key) => shown(key)).join(', ') : <span class="muted">all</span>}</td>
            <td data-label="Counted" class="number">
              {l.mode !== 'disabled' && <Count hits={l.hits} />}
            </td>
            <td data-label="Refused" class="number">
              {l.mode === 'shadow' ? <span title="It is a shadow: in force it would have refused them">({(l.hits?.would_change ?? 0).toLocaleString()})</span> : (l.hits?.decided ?? 0).toLocaleString()}
            </td>
            <td data-label="Last">{l.mode !== 'disabled' && <Last hits={l.hits} />}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function isShown(show: Show, hits: Hits) {
  if (show === 'never') return !!hits && !hits.last_at;
  return show === 'all' || (!!hits && hits.would_change > 0);
}

function Found({ list }: { list: Schemas['PolicyList'] }) {
  const [search, setSearch] = useState('');
  const [show, setShow] = useState<Show>('all');
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const has = (text: string) => words.every((word) => text.toLowerCase().includes(word));
  const items = list.items.filter((p) => isShown(show, p.hits) && has([p.name, p.action, p.mode, ...p.services].join(' ')));
  const roles = list.roles.filter((r) => isShown(show, r.hits) && has([r.name, 'role', r.description, ...r.inherits].join(' ')));
  const limits = list.limits.filter((l) => isShown(show, l.hits) && has([l.name, 'limit', l.mode, l.amount, ...l.per, ...l.services].join(' ')));
  return (
    <>
      <form role="search" class="search" onSubmit={(e) => e.preventDefault()}>
        <input type="search" aria-label="Search name, action, mode or service" placeholder="Name, action, mode or service" maxLength={256} value={search} onInput={(e) => setSearch(e.currentTarget.value)} />
        <select aria-label="Which" value={show} onChange={(e) => setShow(e.currentTarget.value as Show)}>
          {shows.map(([value, title]) => (
            <option key={value} value={value}>
              {title}
            </option>
          ))}
        </select>
      </form>
      <div class="found" aria-live="polite">
        {!items.length && !roles.length && !limits.length && <Empty title="No policy is like that" />}
      </div>
      {items.length > 0 && <PolicyTable items={items} version={list.version} />}
      {roles.length > 0 && (
        <>
          <h2>Roles</h2>
          <RoleTable items={roles} />
        </>
      )}
      {limits.length > 0 && (
        <>
          <h2>Limits</h2>
          <LimitTable items={limits} />
        </>
      )}
    </>
  );
}

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
  if (!list?.items.length && !list?.roles.length) {
    return (
      <Empty title="There is no policy">
        <p>
          Everything is denied. Write the first one under <a href="/policies?tab=source">Source</a>, or start from
          haproxy-examples/quickstart/policy.json.
        </p>
      </Empty>
    );
  }
  return <Found list={list} />;
}

const tabs: [string, string, () => boolean][] = [
  ['', 'Policies', () => true],
  ['source', 'Source', () => true],
  ['try', 'Try', () => may('editor')],
  ['tests', 'Tests', () => may('editor')],
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
      {tab === 'source' ? <Source /> : tab === 'history' ? <History /> : tab === 'try' && may('editor') ? <Try /> : tab === 'tests' && may('editor') ? <Tests /> : tab === 'impact' && may('editor') ? <Impact /> : <List />}
    </section>
  );
}
