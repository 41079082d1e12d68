import { useEffect, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { Alert, Facts, Loading, Time } from '../components/parts';
import { bytes, count, shown } from '../lib/text';

type System = Schemas['System'];

function span(seconds: number): string {
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor((seconds % 86400) / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  return [days && `${days} d`, hours && `${hours} h`, `${minutes} min`].filter(Boolean).join(' ');
}

function Journals({ journals }: { journals: NonNullable<System['journals']> }) {
  return (
    <ul class="meters">
      {journals.map((j) => (
        <li key={j.name}>
          <span>{shown(j.name)}</span>
          <meter min={0} max={j.capacity_bytes ?? 1} high={(j.capacity_bytes ?? 1) * 0.8} value={j.used_bytes ?? 0} aria-label={`${j.name} journal`} />
          <span class="muted">
            {bytes(j.used_bytes ?? 0)} of {bytes(j.capacity_bytes ?? 0)}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Keys({ keys }: { keys: NonNullable<System['keys']> }) {
  if (!keys.length) return <p class="muted">No issuer's keys are fetched: they are in files or in the policy set itself.</p>;
  return (
    <ul class="plain-list">
      {keys.map((k) => (
        <li key={k.issuer}>
          <span class={`verdict ${k.state === 'good' ? 'good' : 'bad'}`}>{shown(k.state)}</span> {shown(k.issuer, 200)}
          <div class="muted">
            {k.n_keys ?? 0} keys, fetched <Time iso={k.fetched_at} /> {k.error && `\u2013 ${shown(k.error, 200)}`}
          </div>
        </li>
      ))}
    </ul>
  );
}

export function SystemPage() {
  const [system, setSystem] = useState<System>();
  const [error, setError] = useState('');
  useEffect(() => {
    const load = async () => {
      const r = await ask(api.GET('/api/v1/system'));
      if (r.data) setSystem(r.data);
      setError(r.error ?? '');
    };
    void load();
    const timer = setInterval(() => void load(), 5000);
    return () => clearInterval(timer);
  }, []);
  const { spop, outcomes, store } = system ?? {};
  return (
    <section class="page">
      <header class="page-head">
        <h1>System</h1>
      </header>
      {error && <Alert>{error}</Alert>}
      {!system && !error && <Loading what="the state of the agent" />}
      {system && (
        <div class="cards">
          <div class="card wide">
            <h2>Agent</h2>
            <Facts
              rows={[
                ['Version', system.version],
                ['Started', <Time iso={system.started_at} />],
                ['Running for', span(system.uptime_s)],
                ['Policy set', system.policy.version ? `version ${system.policy.version} by ${shown(system.policy.author)}` : 'none'],
              ]}
            />
          </div>
          {spop && (
            <div class="card wide">
              <h2>HAProxy</h2>
              {spop.connections === 0 && <Alert tone="info">HAProxy is not connected. Does its agent backend point at {spop.listen?.join(', ')}?</Alert>}
              <Facts
                rows={[
                  ['Connections', count(spop.connections ?? 0)],
                  ['Workers', count(spop.workers ?? 0)],
                  ['Verdicts since start', count(spop.verdicts ?? 0)],
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
                  ['Size', bytes(store.used_bytes ?? 0)],
                  ['Waiting for the index', count(store.index_lag ?? 0)],
                ]}
              />
            </div>
          )}
          {system.journals && (
            <div class="card wide">
              <h2>Journals</h2>
              <Journals journals={system.journals} />
            </div>
          )}
          {system.keys && (
            <div class="card wide">
              <h2>Issuers' keys</h2>
              <Keys keys={system.keys} />
            </div>
          )}
        </div>
      )}
    </section>
  );
}
