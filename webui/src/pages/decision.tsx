import { useEffect, useState } from 'preact/hooks';
import { api, ask, type Decision } from '../api/client';
import { Alert, Facts, Loading, Time, Verdict } from '../components/parts';
import { bytes, queryValue, shown } from '../lib/text';

function Filter({ field, value }: { field: string; value?: string | null }) {
  if (!value) return null;
  return (
    <a href={`/decisions?q=${encodeURIComponent(`${field}:${queryValue(value)}`)}`} title={`All decisions with ${field} ${shown(value)}`}>
      {shown(value, 300)}
    </a>
  );
}

function WhyList({ decision }: { decision: Decision }) {
  const list = decision.why ?? [];
  if (!list.length) return <p class="muted">The reason says it all: no policy was compared.</p>;
  return (
    <ol class="why">
      {list.map((why, i) => (
        <li key={i} class={why.result === 'true' || why.result === 'held' ? 'held' : 'failed'}>
          <strong>{shown(why.policy) || 'no policy'}</strong> <code>{shown(why.rule)}</code>
          <div>
            <code>{shown(why.condition, 200)}</code> {shown(why.result)}
          </div>
          {(why.expected || why.value) && (
            <div class="pair">
              <span>
                wanted <code>{shown(why.expected, 300) || '\u2013'}</code>
              </span>
              <span>
                got <code>{shown(why.value, 300) || 'nothing'}</code>
              </span>
            </div>
          )}
        </li>
      ))}
    </ol>
  );
}

function OutcomeFacts({ decision }: { decision: Decision }) {
  const o = decision.outcome;
  if (!o) {
    return (
      <p class="muted">
        HAProxy has not reported an outcome. It comes with its log line when the request ends; without a <code>ring</code>{' '}
        section in haproxy.cfg it never does.
      </p>
    );
  }
  const ms = (n?: number | null) => (n === null || n === undefined ? '' : `${n} ms`);
  return (
    <Facts
      rows={[
        ['Status sent', o.status ?? ''],
        ['Bytes out, in', [o.bytes_out, o.bytes_in].map((n) => (n === null || n === undefined ? '\u2013' : bytes(n))).join(', ')],
        ['Duration', ms(o.duration_ms)],
        ['Queue, connect, response', [o.queue_ms, o.connect_ms, o.response_ms].map((n) => ms(n) || '\u2013').join(', ')],
        ['Termination', shown(o.termination)],
        ['Backend, server', [shown(o.backend), shown(o.server)].filter(Boolean).join(', ')],
      ]}
    />
  );
}

export function DecisionView({ decision: d }: { decision: Decision }) {
  return (
    <div class="decision">
      <p class="headline">
        <Verdict value={d.verdict} /> <span class="status">{d.status}</span> <code>{shown(d.reason)}</code>
      </p>
      <p class="request">
        <strong>{shown(d.method)}</strong> {shown(d.host)}
        {shown(d.path, 400)}
        {d.query ? `?${shown(d.query, 200)}` : ''}
      </p>
      <h3>Why</h3>
      <WhyList decision={d} />
      <h3>Who</h3>
      <Facts
        rows={[
          ['User', <Filter field="user" value={d.user} />],
          ['Proved by', shown(d.auth_method)],
          ['Issuer', shown(d.issuer)],
          ['Client', shown(d.client)],
          ['Groups', (d.groups ?? []).map((g) => shown(g)).join(', ')],
          ['Scopes', (d.scopes ?? []).map((s) => shown(s)).join(' ')],
          ['Workload', <Filter field="workload" value={d.workload} />],
          ['Address', d.src ? `${d.src}${d.src_port ? ` port ${d.src_port}` : ''}` : ''],
          ['User agent', shown(d.user_agent, 300)],
        ].filter(([, v]) => v !== '' && !(typeof v === 'object' && v && !(v as { props: { value?: string } }).props.value)) as [string, string][]}
      />
      <h3>What was judged</h3>
      <Facts
        rows={[
          ['Service', d.service ? <Filter field="service" value={d.service} /> : ''],
          ['Route', shown(d.route)],
          ['Policy', d.policy ? <Filter field="policy" value={d.policy} /> : ''],
          ['Policy set version', shown(d.policy_version)],
          ['Shadow policies say', d.shadow ? <Verdict value={d.shadow.verdict} /> : ''],
          ['Decided in', d.took_us === null || d.took_us === undefined ? '' : `${d.took_us} \u00b5s`],
        ]}
      />
      <h3>What became of it</h3>
      <OutcomeFacts decision={d} />
      <h3>Record</h3>
      <Facts
        rows={[
          ['Time', <Time iso={d.time} />],
          ['Event', <code>{d.id}</code>],
          ['Sequence', d.seq],
          ['Request id', shown(d.request_id)],
          ['Trace', shown(d.trace_id)],
        ]}
      />
      {d.masked && <Alert tone="info">Personal data is masked for your role.</Alert>}
    </div>
  );
}

export function DecisionPage({ id }: { id: string }) {
  const [decision, setDecision] = useState<Decision>();
  const [error, setError] = useState('');
  useEffect(() => {
    setDecision(undefined);
    setError('');
    void ask(api.GET('/api/v1/decisions/{id}', { params: { path: { id } } })).then((r) => {
      if (r.data) setDecision(r.data);
      else setError(r.status === 404 ? 'No event has this id, or it is past its retention.' : (r.error ?? ''));
    });
  }, [id]);
  return (
    <article class="page narrow">
      <p>
        <a href="/decisions">{'\u2190'} All decisions</a>
      </p>
      <h1>Decision</h1>
      {error && <Alert>{error}</Alert>}
      {!decision && !error && <Loading what="the decision" />}
      {decision && <DecisionView decision={decision} />}
    </article>
  );
}
