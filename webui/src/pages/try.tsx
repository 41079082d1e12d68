import { useEffect, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { myWork } from '../app/draft';
import { tried, type TriedRequest } from '../app/tried';
import { Alert, Verdict, WhyList } from '../components/parts';
import { TraceTree } from '../components/trace';
import { shown } from '../lib/text';

type Evaluation = Schemas['Evaluation'];

interface Answer {
  data?: Evaluation;
  error?: string;
}

async function evaluate(request: TriedRequest, text?: string): Promise<Answer> {
  const r = await ask(api.POST('/api/v1/policy-set/evaluations', { body: { request, verbose: true, ...(text === undefined ? {} : { text }) } }));
  const at = r.problem?.errors?.[0];
  return r.data ? { data: r.data } : { error: at?.line ? `Line ${at.line}, column ${at.column}: ${at.message}` : (r.error ?? '') };
}

function readForm(form: HTMLFormElement): TriedRequest | string {
  const data = new FormData(form);
  const of = (name: string) => String(data.get(name) ?? '').trim() || undefined;
  let claims: unknown;
  try {
    claims = of('claims') ? JSON.parse(of('claims') ?? '') : undefined;
  } catch (error) {
    return `The claims are not JSON: ${error instanceof Error ? error.message : ''}`;
  }
  if (claims !== undefined && (typeof claims !== 'object' || claims === null || Array.isArray(claims))) return 'The claims have to be a JSON object.';
  return {
    method: of('method'),
    host: of('host'),
    path: of('path'),
    src: of('src'),
    service: of('service'),
    workload: of('workload'),
    claims: claims as Record<string, unknown> | undefined,
  };
}

function AnswerCard({ title, answer }: { title: string; answer?: Answer }) {
  const e = answer?.data;
  return (
    <div class="card wide">
      <h2>{title}</h2>
      {answer?.error && <Alert>{answer.error}</Alert>}
      {!answer && <p class="muted">Nothing asked yet. Nothing you try here is recorded as a decision.</p>}
      {e && (
        <>
          <p class="headline">
            <Verdict value={e.verdict} /> <span class="status">{e.status}</span> <code>{shown(e.reason)}</code>
          </p>
          {(e.service || e.policy) && (
            <p class="muted">
              {e.service && <>Service {shown(e.service)}. </>}
              {e.policy && <>Policy {shown(e.policy)}.</>}
            </p>
          )}
          <WhyList why={e.why} />
          {e.trace && (
            <details>
              <summary>Why in full: every policy, every condition</summary>
              <TraceTree trace={e.trace} />
            </details>
          )}
        </>
      )}
    </div>
  );
}

export function Try() {
  const [given] = useState(() => tried.value ?? { method: 'GET' });
  const [active, setActive] = useState<Answer>();
  const [drafted, setDrafted] = useState<Answer>();
  const [error, setError] = useState('');
  const [saved, setSaved] = useState<string>();
  const text = myWork()?.text ?? saved;
  useEffect(() => {
    tried.value = null;
    void ask(api.GET('/api/v1/policy-set/draft')).then((r) => setSaved(r.data?.text));
  }, []);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const request = readForm(event.currentTarget as HTMLFormElement);
    if (typeof request === 'string') return setError(request);
    setError('');
    const [inForce, mine] = await Promise.all([evaluate(request), text === undefined ? undefined : evaluate(request, text)]);
    setActive(inForce);
    setDrafted(mine);
  };
  const differ = !!active?.data && !!drafted?.data && (active.data.verdict !== drafted.data.verdict || active.data.status !== drafted.data.status);
  return (
    <div class="two">
      <form class="card wide" onSubmit={submit}>
        <h2>{given.path ? 'A recorded request' : 'An imagined request'}</h2>
        {given.claims && <p class="muted">The claims are those that were recorded; a token may have had others.</p>}
        {error && <Alert>{error}</Alert>}
        <div class="row">
          <label class="field">
            <span>Method</span>
            <input name="method" defaultValue={given.method ?? ''} />
          </label>
          <label class="field grow">
            <span>Path</span>
            <input name="path" placeholder="/orders/17" defaultValue={given.path ?? ''} required />
          </label>
        </div>
        <div class="row">
          <label class="field grow">
            <span>Host</span>
            <input name="host" placeholder="api.example" defaultValue={given.host ?? ''} />
          </label>
          <label class="field grow">
            <span>Service, if HAProxy names it</span>
            <input name="service" defaultValue={given.service ?? ''} />
          </label>
        </div>
        <label class="field">
          <span>Claims of a verified token</span>
          <textarea
            name="claims"
            rows={5}
            spellcheck={false}
            placeholder={'{"iss":"https://issuer.example","sub":"alice","scope":"orders:read"}'}
            defaultValue={given.claims ? JSON.stringify(given.claims, null, 2) : ''}
          />
        </label>
        <label class="field">
          <span>Workload (SPIFFE ID of a verified certificate)</span>
          <input name="workload" placeholder="spiffe://example.org/ns/shop/sa/cart" defaultValue={given.workload ?? ''} />
        </label>
        <label class="field">
          <span>Client address</span>
          <input name="src" placeholder="192.0.2.1" defaultValue={given.src ?? ''} />
        </label>
        <button class="primary">Try</button>
      </form>
      <div class="answers" aria-live="polite">
        {differ && <Alert tone="info">The two judge this request differently.</Alert>}
        <AnswerCard title="The policy set in force says" answer={active} />
        {text !== undefined && <AnswerCard title={myWork() ? 'Your changed text says' : 'The draft says'} answer={drafted} />}
      </div>
    </div>
  );
}
