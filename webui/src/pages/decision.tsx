import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { api, ask, type Decision, type Schemas } from '../api/client';
import { place } from '../app/router';
import { may } from '../app/session';
import { tryLink } from '../app/tried';
import { TraceTree } from '../components/trace';
import { Alert, Copy, Facts, Loading, Time, Verdict, WhyList } from '../components/parts';
import { termText, withTerm } from '../lib/filter';
import { bytes, shown } from '../lib/text';
import { readView, viewHref } from '../lib/view';

// A value that leads to the decisions that have it, and to those that do not; the range and other filters stay.
function Filter({ field, value }: { field: string; value: string }) {
  const view = readView(place.value.query);
  const href = (exclude: boolean) => viewHref({ ...view, q: withTerm(view.q, termText(field, value, exclude)), open: '' });
  return (
    <>
      <a href={href(false)} title={`Only decisions with ${field} ${shown(value)}`}>
        {shown(value, 300)}
      </a>{' '}
      <a class="not" href={href(true)} aria-label={`Without ${field} ${shown(value)}`} title={`Only decisions without ${field} ${shown(value)}`}>
        {'\u2212'}
      </a>
    </>
  );
}

function filter(field: string, value?: string | number | null): ComponentChildren {
  return value === null || value === undefined || value === '' ? '' : <Filter field={field} value={String(value)} />;
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
        ['Status sent', filter('outcome_status', o.status)],
        ['Bytes out, in', [o.bytes_out, o.bytes_in].map((n) => (n === null || n === undefined ? '\u2013' : bytes(n))).join(', ')],
        ['Duration', ms(o.duration_ms)],
        ['Queue', ms(o.queue_ms)],
        ['Connect', ms(o.connect_ms)],
        ['Response', ms(o.response_ms)],
        ['Termination', shown(o.termination)],
        ['Backend', filter('backend', o.backend)],
        ['Server', filter('server', o.server)],
        ['Reported', o.time ? <Time iso={o.time} /> : ''],
      ]}
    />
  );
}

function GapFacts({ decision: d }: { decision: Decision }) {
  if (!d.gap) return null;
  return (
    <Alert>
      {d.gap.count === 1 ? 'One record is' : `${d.gap.count} records are`} missing here
      {d.gap.first && (
        <>
          , from <Time iso={d.gap.first} /> to <Time iso={d.gap.last} />
        </>
      )}
      {d.gap.journal && <> in journal {shown(d.gap.journal)}</>}.
    </Alert>
  );
}

function ActFacts({ decision: d }: { decision: Decision }) {
  return (
    <Facts
      rows={[
        ['Actor', shown(d.actor)],
        ['Action', shown(d.action)],
        ['Target', shown(d.target, 300)],
        ['Result', shown(d.result)],
        ['Detail', shown(d.detail, 400)],
      ]}
    />
  );
}

const classes: Record<string, string> = {
  unchanged: 'What is recorded suffices: judged once more, it comes to the same.',
  cannot_tell: 'What is recorded does not suffice to come to the same verdict:',
  not_judged: 'It was not decided by policies:',
};

// Judged once more, when somebody asks: it is work for the agent, and says who asked for what.
function Full({ id }: { id: string }) {
  const [found, setFound] = useState<Schemas['Rejudged']>();
  const [error, setError] = useState('');
  const load = () => {
    if (found) return;
    void ask(api.GET('/api/v1/decisions/{id}', { params: { path: { id }, query: { verbose: true } } })).then((r) => {
      setFound(r.data?.rejudged);
      setError(r.data ? '' : (r.error ?? ''));
    });
  };
  return (
    <details key={id} onToggle={load}>
      <summary>Why in full: every policy, every condition</summary>
      {error && <Alert>{error}</Alert>}
      {!found && !error && <Loading what="the explanation" />}
      {found && (
        <>
          <p>
            {found.kept ? (classes[found.class ?? ''] ?? 'Judged once more from what is recorded, it comes to another verdict.') : 'It cannot be judged once more:'} {shown(found.text)}
          </p>
          {found.not_recorded.length > 0 && <p class="muted">Not recorded: {found.not_recorded.join(', ')}. Where a condition asks for that, it says so, and counts against the caller.</p>}
          {found.trace && <TraceTree trace={found.trace} />}
        </>
      )}
    </details>
  );
}

function RequestFacts({ decision: d }: { decision: Decision }) {
  const route = d.path ?? '';
  return (
    <>
      <p class="headline">
        <Verdict value={d.verdict} /> <span class="status">{d.status || ''}</span> <code>{shown(d.reason)}</code>
      </p>
      <p class="request">
        <strong>{shown(d.method)}</strong> {shown(d.host)}
        {shown(route, 600)}
        {d.query ? `?${shown(d.query, 300)}` : ''}
      </p>
      {may('editor') && (
        <p>
          <a href="/policies?tab=try" onClick={() => tryLink(d)}>
            Try this request
          </a>{' '}
          <span class="muted">against the policy set in force and your draft</span>
        </p>
      )}
      <h3>Why</h3>
      <WhyList why={d.why} />
      {may('auditor') && <Full id={d.id} />}
      <h3>Who</h3>
      <Facts
        none="Nobody is known: no credential was accepted."
        rows={[
          ['User', filter('user', d.user)],
          ['Proved by', filter('auth_method', d.auth_method)],
          ['Issuer', filter('issuer', d.issuer)],
          ['Client', filter('client', d.client)],
          ['Groups', (d.groups ?? []).map((g) => shown(g)).join(', ')],
          ['Scopes', (d.scopes ?? []).map((s) => shown(s)).join(' ')],
          ['Workload', filter('workload', d.workload)],
          ['Address', filter('ip', d.src)],
          ['Port', d.src_port || ''],
          ['User agent', shown(d.user_agent, 400)],
        ]}
      />
      <h3>What was judged</h3>
      <Facts
        rows={[
          ['Service', filter('service', d.service)],
          ['Route', filter('route', d.route)],
          ['Policy', filter('policy', d.policy)],
          ['Policy set version', d.policy_version ? <a href={`/policies?tab=history&version=${encodeURIComponent(d.policy_version)}`}>{shown(d.policy_version)}</a> : ''],
          ['Shadow policies say', d.shadow ? <Verdict value={d.shadow.verdict} /> : ''],
          ['by policy', filter('shadow_policy', d.shadow?.policy)],
          ['Decided in', d.took_us === null || d.took_us === undefined ? '' : `${d.took_us} \u00b5s`],
        ]}
      />
      <h3>What became of it</h3>
      <OutcomeFacts decision={d} />
    </>
  );
}

export function DecisionView({ decision: d }: { decision: Decision }) {
  const isRequest = d.kind === 'request' || d.kind === 'connection';
  return (
    <div class="decision">
      {isRequest ? <RequestFacts decision={d} /> : d.kind === 'gap' ? <GapFacts decision={d} /> : <ActFacts decision={d} />}
      <h3>Record</h3>
      <Facts
        rows={[
          ['Time', <Time iso={d.time} />],
          [
            'Event',
            <>
              <code>{d.id}</code> <Copy what="the id" text={() => d.id} />
            </>,
          ],
          ['Sequence', d.seq],
          ['Request id', filter('request_id', d.request_id)],
          ['Trace', filter('trace_id', d.trace_id)],
        ]}
      />
      {d.cut && <Alert tone="info">A text of this record was longer than its limit and is cut.</Alert>}
      {d.masked && <Alert tone="info">Personal data is masked for your role.</Alert>}
    </div>
  );
}

// The decision of this id: at hand already, or asked for.
export function useDecision(id: string, atHand?: Decision): { decision?: Decision; error: string } {
  const [found, setFound] = useState<Decision>();
  const [error, setError] = useState('');
  useEffect(() => {
    let gone = false;
    setFound(undefined);
    setError('');
    if (!id || atHand) return undefined;
    void ask(api.GET('/api/v1/decisions/{id}', { params: { path: { id } } })).then((r) => {
      if (gone) return;
      if (r.data) setFound(r.data);
      else setError(r.status === 404 ? 'No event has this id, or it is past its retention.' : (r.error ?? ''));
    });
    return () => {
      gone = true;
    };
  }, [id, !atHand]);
  return { decision: atHand ?? (found?.id === id ? found : undefined), error };
}

export function DecisionPage({ id }: { id: string }) {
  const { decision, error } = useDecision(id);
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
