import { useEffect, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { Alert, Facts, Loading, Time } from '../components/parts';
import { bytes, count, shown } from '../lib/text';
import { spanText } from '../lib/time';

type System = Schemas['System'];

function Journals({ journals }: { journals: NonNullable<System['journals']> }) {
  return (
    <ul class="meters">
      {journals.map((j) => (
        <li key={j.name}>
          <span>{shown(j.name)}</span>
          <Meter name={`Journal ${j.name}`} used={j.used_bytes ?? 0} most={j.capacity_bytes ?? 0} />
        </li>
      ))}
    </ul>
  );
}

function Keys({ keys }: { keys: NonNullable<System['keys']> }) {
  if (!keys.length) return <p class="muted">The policy set has no issuers: no token is believed.</p>;
  return (
    <ul class="plain-list">
      {keys.map((k) => (
        <li key={k.issuer}>
          <span class={`verdict ${k.state === 'good' || k.state === 'local' ? 'good' : 'bad'}`}>{shown(k.state)}</span> {shown(k.issuer, 200)}
          <div class="muted">
            {k.n_keys ?? 0} {k.n_keys === 1 ? 'key' : 'keys'} from {k.source ? shown(k.source, 200) : 'a place that is not discovered yet'}
            {k.discovered && k.source && ', discovered'}
            {k.state !== 'local' && (
              <>
                , fetched <Time iso={k.fetched_at} />
              </>
            )}
            {k.next_at && (
              <>
                , next <Time iso={k.next_at} />
              </>
            )}
          </div>
          {k.error && <div class="wrong">{shown(k.error, 200)}</div>}
          {(k.unusable ?? []).map((u, i) => (
            <div class="muted" key={i}>
              Key {u.kid ? shown(u.kid, 80) : 'without kid'} is left out: {shown(u.reason, 120)}.
            </div>
          ))}
        </li>
      ))}
    </ul>
  );
}

function Meter({ name, used, most }: { name: string; used: number; most: number }) {
  const full = most > 0 && used / most >= 0.8;
  return (
    <>
      <meter min={0} max={most || 1} high={(most || 1) * 0.8} value={used} aria-label={`${name}: ${bytes(used)} of ${bytes(most)}`} />
      <span class={full ? 'wrong' : 'muted'}>
        {bytes(used)} of {bytes(most)}
      </span>
    </>
  );
}

// What somebody should look at, in words, first on the page.
function warnings(s: System): string[] {
  const found: string[] = [];
  const skew = Math.round((Date.now() - Date.parse(s.now)) / 1000);
  const number = (value: unknown) => (typeof value === 'number' ? value : 0);
  if (s.spop?.connections === 0) found.push(`HAProxy is not connected. Does its agent backend point at ${s.spop.listen?.join(', ') ?? 'this agent'}?`);
  if (!s.policy.version) found.push('No policy set is published: every request is denied.');
  if (Math.abs(skew) > 30) found.push(`The clocks of this browser and of the agent differ by ${spanText(Math.abs(skew))}.`);
  for (const j of s.journals ?? []) if (j.capacity_bytes && (j.used_bytes ?? 0) / j.capacity_bytes >= 0.8) found.push(`Journal ${j.name} is nearly full. When it is, requests are refused with audit_unavailable.`);
  for (const k of s.keys ?? []) if (k.error) found.push(`The keys of ${k.issuer} could not be fetched: ${k.error}`);
  if (number(s.spop?.['audit_refused'])) found.push(`${count(number(s.spop?.['audit_refused']))} requests were refused because they could not be recorded.`);
  if (s.counters['acts_lost_total']) found.push(`${count(s.counters['acts_lost_total'])} acts of accounts are not in the audit trail.`);
  return found;
}

const counters: [string, string][] = [
  ['logins_total', 'Sign-ins'],
  ['logins_failed_total', 'Sign-ins refused'],
  ['logins_throttled_total', 'Sign-ins that had to wait'],
  ['requests_total', 'Requests'],
  ['refused_total', 'Refused (4xx)'],
  ['failed_total', 'Failed (5xx)'],
  ['exports_total', 'Exports'],
  ['export_rows_total', 'Rows exported'],
];

function Cards({ system }: { system: System }) {
  const { spop, outcomes, store, journals, keys, policy } = system;
  const extra = (value: unknown) => (typeof value === 'number' ? count(value) : '');
  return (
    <div class="cards">
      <div class="card wide">
        <h2>Agent</h2>
        <Facts
          rows={[
            ['Version', system.version],
            ['Started', <Time iso={system.started_at} />],
            ['Running for', spanText(system.uptime_s)],
            ['Its clock', <Time iso={system.now} />],
            [
              'Policy set',
              policy.version ? (
                <>
                  <a href={`/policies?tab=history&version=${policy.version}`}>version {policy.version}</a> by {shown(policy.author)}, <Time iso={policy.time} />
                </>
              ) : (
                'none'
              ),
            ],
          ]}
        />
      </div>
      {spop && (
        <div class="card wide">
          <h2>HAProxy</h2>
          <Facts
            rows={[
              ['Connections', count(spop.connections ?? 0)],
              ['Workers', count(spop.workers ?? 0)],
              ['Verdicts since start', count(spop.verdicts ?? 0)],
              ['Protocol errors', extra(spop['protocol_errors'])],
              ['Not recordable', extra(spop['audit_refused'])],
              ['Listening on', spop.listen?.join(', ')],
            ]}
          />
        </div>
      )}
      {outcomes && (
        <div class="card wide">
          <h2>Outcomes</h2>
          <Facts
            rows={[
              ['Log connections', count(outcomes.connections ?? 0)],
              ['Lines', count(outcomes.lines ?? 0)],
              ['Lines refused', count(outcomes.refused ?? 0)],
              ['Listening on', outcomes.listen?.join(', ')],
            ]}
          />
        </div>
      )}
      {store && (
        <div class="card wide">
          <h2>Audit trail</h2>
          <Facts
            rows={[
              ['Records', count(store.events ?? Number(store.last_seq ?? 0))],
              ['First', store.first_time ? <Time iso={store.first_time} /> : ''],
              ['Last', store.last_time ? <Time iso={store.last_time} /> : ''],
              ['Size', store.limit_bytes ? `${bytes(store.used_bytes ?? 0)} of ${bytes(store.limit_bytes)}` : bytes(store.used_bytes ?? 0)],
              ['Waiting for the index', count(store.index_lag ?? 0)],
            ]}
          />
        </div>
      )}
      {journals && (
        <div class="card wide">
          <h2>Journals</h2>
          <Journals journals={journals} />
        </div>
      )}
      {keys && (
        <div class="card wide">
          <h2>Issuers</h2>
          <Keys keys={keys} />
        </div>
      )}
      <div class="card wide">
        <h2>This dashboard and its API</h2>
        <Facts rows={counters.filter(([name]) => name in system.counters).map(([name, title]) => [title, count(system.counters[name] ?? 0)])} />
      </div>
      {system.settings && (
        <div class="card wide">
          <h2>Settings in force</h2>
          <pre class="source" tabIndex={0}>
            {JSON.stringify(system.settings, null, 2)}
          </pre>
        </div>
      )}
    </div>
  );
}

export function SystemPage() {
  const [system, setSystem] = useState<System>();
  const [error, setError] = useState('');
  useEffect(() => {
    let gone = false;
    const load = async () => {
      if (document.hidden) return;
      const r = await ask(api.GET('/api/v1/system'));
      if (gone) return;
      if (r.data) setSystem(r.data);
      setError(r.error ?? '');
    };
    void load();
    const timer = setInterval(() => void load(), 5000);
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, []);
  const found = system ? warnings(system) : [];
  return (
    <section class="page">
      <header class="page-head">
        <h1>System</h1>
      </header>
      {error && (
        <Alert>
          {error} {system && <>What is shown is from <Time iso={system.now} />.</>}
        </Alert>
      )}
      {!system && !error && <Loading what="the state of the agent" />}
      {found.length > 0 && (
        <Alert tone="warn">
          {found.map((text) => (
            <p key={text}>{shown(text, 300)}</p>
          ))}
        </Alert>
      )}
      {system && <Cards system={system} />}
      <p class="muted foot">
        The dashboard contains free software of others:{' '}
        <a href="/THIRD-PARTY.txt" target="_blank" rel="noopener">
          licences and notices
        </a>
        . The API is described in{' '}
        <a href="/openapi.json" target="_blank" rel="noopener">
          openapi.json
        </a>
        .
      </p>
    </section>
  );
}
