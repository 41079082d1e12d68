import { useEffect, useRef, useState } from 'preact/hooks';
import { api, ask, type Problem, type Schemas, type ValidationError } from '../api/client';
import { goWith, place } from '../app/router';
import { may } from '../app/session';
import { Alert, Dialog, Empty, Loading, Time, Verdict } from '../components/parts';
import { bytes, shown } from '../lib/text';
import type { Editor } from './editor';

type PolicySet = Schemas['PolicySet'];

function JsonEditor(props: { text: string; readOnly: boolean; onReady: (editor: Editor) => void; onChange: (text: string) => void }) {
  const host = useRef<HTMLDivElement>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let editor: Editor | undefined;
    let gone = false;
    import('./editor').then(
      (module) => {
        if (gone || !host.current) return;
        editor = module.createEditor(host.current, props.text, props.readOnly, props.onChange);
        props.onReady(editor);
      },
      () => setFailed(true),
    );
    return () => {
      gone = true;
      editor?.destroy();
    };
  }, []);
  if (failed) return <Alert>A new version of the dashboard is there. Reload the page; copy unsaved text first.</Alert>;
  return <div class="editor" ref={host} />;
}

function ErrorList({ errors, onShow }: { errors: ValidationError[]; onShow: (e: ValidationError) => void }) {
  return (
    <div class="alert bad" role="alert">
      <strong>
        {errors.length === 1 ? 'One error' : `${errors.length} errors`}: the running policy set stays in force
      </strong>
      <ul class="errors">
        {errors.map((e, i) => (
          <li key={i}>
            <button type="button" class="link" onClick={() => onShow(e)}>
              line {e.line}, column {e.column}
            </button>{' '}
            <code>{shown(e.pointer, 100)}</code> {shown(e.message, 300)}
          </li>
        ))}
      </ul>
    </div>
  );
}

function PublishDialog(props: { current: PolicySet; text: string; onClose: () => void; onDone: () => void; onErrors: (errors: ValidationError[]) => void }) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Partial<Problem> & { text: string }>();
  const publish = async (event: SubmitEvent) => {
    event.preventDefault();
    const message = String(new FormData(event.currentTarget as HTMLFormElement).get('message'));
    setBusy(true);
    const r = await ask(
      api.POST('/api/v1/policy-set/versions', {
        params: { header: { 'If-Match': props.current.etag } },
        body: { text: props.text, message },
      }),
    );
    setBusy(false);
    if (r.data) return props.onDone();
    if (r.problem?.errors?.length) {
      props.onErrors(r.problem.errors);
      return props.onClose();
    }
    setProblem({ ...r.problem, text: r.error ?? '' });
  };
  const newer = problem?.current;
  return (
    <Dialog title={`Publish as version ${Number(props.current.version) + 1}`} onClose={props.onClose}>
      <form onSubmit={publish}>
        <p>It takes effect on live traffic at once, in every worker.</p>
        {problem && (
          <Alert>
            {problem.text}
            {newer && (
              <p>
                {shown(newer.author) || 'Somebody'} published version {newer.version} <Time iso={newer.time} />. Copy your text,
                reload, and bring the two together.
              </p>
            )}
          </Alert>
        )}
        <label class="field">
          <span>What changes, and why</span>
          <textarea name="message" rows={3} maxLength={2000} required />
        </label>
        <div class="actions">
          <button class="primary" disabled={busy}>
            {busy ? 'Publishing\u2026' : 'Publish'}
          </button>
          <button type="button" onClick={props.onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Source() {
  const [current, setCurrent] = useState<PolicySet>();
  const [error, setError] = useState('');
  const [errors, setErrors] = useState<ValidationError[]>([]);
  const [said, setSaid] = useState('');
  const [publishing, setPublishing] = useState(false);
  const [text, setText] = useState('');
  const editor = useRef<Editor>();
  const inForce = useRef('');
  const load = async () => {
    const r = await ask(api.GET('/api/v1/policy-set'));
    if (!r.data) return setError(r.error ?? '');
    const kept = sessionStorage.getItem('policy-text');
    const shownText = kept ?? r.data.text;
    inForce.current = r.data.text;
    setCurrent(r.data);
    setText(shownText);
    if (editor.current && editor.current.text() !== shownText) editor.current.setText(shownText);
  };
  useEffect(() => void load(), []);
  const changed = !!current && text !== current.text;
  const edit = (next: string) => {
    setText(next);
    if (next === inForce.current) return sessionStorage.removeItem('policy-text');
    setSaid('');
    sessionStorage.setItem('policy-text', next);
  };
  const showErrors = (list: ValidationError[]) => {
    setErrors(list);
    editor.current?.setErrors(list);
  };
  const validate = async () => {
    const r = await ask(api.POST('/api/v1/policy-set/validation', { body: { text } }));
    if (!r.data) return setError(r.error ?? '');
    setError('');
    showErrors(r.data.errors);
    setSaid(r.data.valid ? 'Valid: it could be published.' : '');
  };
  const revert = () => {
    sessionStorage.removeItem('policy-text');
    if (current) editor.current?.setText(current.text);
    showErrors([]);
  };
  const published = () => {
    sessionStorage.removeItem('policy-text');
    setPublishing(false);
    showErrors([]);
    setSaid('Published. Every worker judges by it now.');
    void load();
  };
  if (error && !current) return <Alert>{error}</Alert>;
  if (!current) return <Loading what="the policy set" />;
  const editable = may('editor') || may('publisher');
  return (
    <>
      <div class="bar">
        <span class="muted">
          Version {current.version} by {shown(current.author)}, <Time iso={current.time} />
          {changed && <strong class="changed"> · changed here, not published</strong>}
        </span>
        <div class="actions">
          {editable && (
            <button type="button" onClick={() => void validate()}>
              Validate
            </button>
          )}
          {changed && (
            <button type="button" onClick={revert}>
              Discard changes
            </button>
          )}
          {may('publisher') && (
            <button type="button" class="primary" disabled={!changed} onClick={() => setPublishing(true)}>
              {'Publish\u2026'}
            </button>
          )}
        </div>
      </div>
      {error && <Alert>{error}</Alert>}
      {said && <Alert tone="good">{said}</Alert>}
      {errors.length > 0 && <ErrorList errors={errors} onShow={(e) => editor.current?.show(e.line, e.column)} />}
      <JsonEditor text={text} readOnly={!editable} onReady={(e) => (editor.current = e)} onChange={edit} />
      <p class="muted hint">Tab indents; press Esc and then Tab to leave the editor.</p>
      {publishing && (
        <PublishDialog current={current} text={text} onClose={() => setPublishing(false)} onDone={published} onErrors={showErrors} />
      )}
    </>
  );
}

function List() {
  const [list, setList] = useState<Schemas['PolicyList']>();
  const [error, setError] = useState('');
  useEffect(() => {
    void ask(api.GET('/api/v1/policies')).then((r) => (r.data ? setList(r.data) : setError(r.error ?? '')));
  }, []);
  if (error) return <Alert>{error}</Alert>;
  if (!list) return <Loading what="policies" />;
  if (!list.items.length) {
    return (
      <Empty title="There is no policy">
        <p>Everything is denied. Write the first one under Source, or start from haproxy-examples/quickstart/policy.json.</p>
      </Empty>
    );
  }
  return (
    <table class="rows">
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
          <th scope="col">Decided</th>
        </tr>
      </thead>
      <tbody>
        {list.items.map((p) => (
          <tr key={p.pointer}>
            <td data-label="Policy">
              <strong>{shown(p.name)}</strong>
            </td>
            <td data-label="Action">
              <Verdict value={p.action === 'ALLOW' ? 'allow' : 'deny'} />
            </td>
            <td data-label="Mode">{p.mode}</td>
            <td data-label="Services">{p.services.length ? p.services.map((s) => shown(s)).join(', ') : 'all'}</td>
            <td data-label="Rules" class="number">
              {p.n_rules}
            </td>
            <td data-label="Decided">
              <a href={`/decisions?q=${encodeURIComponent(`policy:"${p.name}"`)}`}>decisions</a>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function RollbackDialog(props: { version: Schemas['PolicyVersion']; onClose: () => void; onDone: () => void }) {
  const [error, setError] = useState('');
  const rollback = async (event: SubmitEvent) => {
    event.preventDefault();
    const message = String(new FormData(event.currentTarget as HTMLFormElement).get('message'));
    const now = await ask(api.GET('/api/v1/policy-set'));
    if (!now.data) return setError(now.error ?? '');
    const r = await ask(
      api.POST('/api/v1/policy-set/rollbacks', {
        params: { header: { 'If-Match': now.data.etag } },
        body: { version: props.version.version, message },
      }),
    );
    if (r.data) props.onDone();
    else setError(r.error ?? '');
  };
  return (
    <Dialog title={`Go back to version ${props.version.version}`} onClose={props.onClose}>
      <form onSubmit={rollback}>
        <p>Its text becomes a new version, in force at once. Nothing is taken out of the history.</p>
        {error && <Alert>{error}</Alert>}
        <label class="field">
          <span>Why</span>
          <textarea name="message" rows={3} maxLength={2000} required />
        </label>
        <div class="actions">
          <button class="primary">Go back</button>
          <button type="button" onClick={props.onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function VersionDialog({ version, onClose }: { version: string; onClose: () => void }) {
  const [text, setText] = useState<string>();
  useEffect(() => {
    void ask(api.GET('/api/v1/policy-set/versions/{n}', { params: { path: { n: version } } })).then((r) =>
      setText(r.data ? r.data.text : (r.error ?? '')),
    );
  }, [version]);
  return (
    <Dialog title={`Version ${version}`} side onClose={onClose}>
      {text === undefined ? <Loading what="the version" /> : <pre class="source" tabIndex={0}>{text}</pre>}
    </Dialog>
  );
}

function History() {
  const [items, setItems] = useState<Schemas['PolicyVersion'][]>();
  const [next, setNext] = useState<string | null>(null);
  const [error, setError] = useState('');
  const [viewed, setViewed] = useState<string>();
  const [back, setBack] = useState<Schemas['PolicyVersion']>();
  const load = async (cursor?: string) => {
    const r = await ask(api.GET('/api/v1/policy-set/versions', { params: { query: { limit: 50, cursor } } }));
    if (!r.data) return setError(r.error ?? '');
    setItems(cursor ? [...(items ?? []), ...r.data.items] : r.data.items);
    setNext(r.data.next_cursor);
  };
  useEffect(() => void load(), []);
  if (error) return <Alert>{error}</Alert>;
  if (!items) return <Loading what="versions" />;
  return (
    <>
      <table class="rows">
        <caption class="hidden">Published versions, newest first</caption>
        <thead>
          <tr>
            <th scope="col">Version</th>
            <th scope="col">Published</th>
            <th scope="col">By</th>
            <th scope="col">Message</th>
            <th scope="col" class="number">
              Size
            </th>
            <th scope="col">
              <span class="hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {items.map((v) => (
            <tr key={v.version}>
              <td data-label="Version">
                <strong>{v.version}</strong>
                {v.current && <span class="tag">in force</span>}
              </td>
              <td data-label="Published">
                <Time iso={v.time} />
              </td>
              <td data-label="By">{shown(v.author)}</td>
              <td data-label="Message" class="grow">
                {shown(v.message, 200)}
              </td>
              <td data-label="Size" class="number">
                {bytes(v.n_bytes)}
              </td>
              <td class="actions">
                <button type="button" onClick={() => setViewed(v.version)}>
                  View
                </button>
                {may('publisher') && !v.current && (
                  <button type="button" onClick={() => setBack(v)}>
                    {'Go back\u2026'}
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {next && (
        <footer class="more">
          <button type="button" onClick={() => void load(next)}>
            Show more
          </button>
        </footer>
      )}
      {viewed && <VersionDialog version={viewed} onClose={() => setViewed(undefined)} />}
      {back && (
        <RollbackDialog
          version={back}
          onClose={() => setBack(undefined)}
          onDone={() => {
            setBack(undefined);
            void load();
          }}
        />
      )}
    </>
  );
}

function Try() {
  const [answer, setAnswer] = useState<Schemas['Evaluation']>();
  const [error, setError] = useState('');
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const of = (name: string) => String(form.get(name) ?? '').trim() || undefined;
    let claims: Record<string, unknown> | undefined;
    try {
      claims = of('claims') ? (JSON.parse(of('claims') ?? '') as Record<string, unknown>) : undefined;
    } catch {
      setError('The claims are not JSON.');
      return;
    }
    const r = await ask(
      api.POST('/api/v1/policy-set/evaluations', {
        body: { request: { method: of('method'), host: of('host'), path: of('path'), src: of('src'), workload: of('workload'), claims } },
      }),
    );
    setAnswer(r.data);
    setError(r.data ? '' : (r.error ?? ''));
  };
  return (
    <div class="two">
      <form class="card wide" onSubmit={submit}>
        <h2>An imagined request</h2>
        <div class="row">
          <label class="field">
            <span>Method</span>
            <input name="method" value="GET" />
          </label>
          <label class="field grow">
            <span>Path</span>
            <input name="path" placeholder="/orders/17" required />
          </label>
        </div>
        <label class="field">
          <span>Host</span>
          <input name="host" placeholder="api.example" />
        </label>
        <label class="field">
          <span>Claims of a verified token</span>
          <textarea name="claims" rows={5} spellcheck={false} placeholder={'{"iss":"https://issuer.example","sub":"alice","scope":"orders:read"}'} />
        </label>
        <label class="field">
          <span>Workload (SPIFFE ID of a verified certificate)</span>
          <input name="workload" placeholder="spiffe://example.org/ns/shop/sa/cart" />
        </label>
        <label class="field">
          <span>Client address</span>
          <input name="src" placeholder="192.0.2.1" />
        </label>
        <button class="primary">Try</button>
      </form>
      <div class="card wide" aria-live="polite">
        <h2>The policy set in force says</h2>
        {error && <Alert>{error}</Alert>}
        {!answer && !error && <p class="muted">Nothing asked yet. Nothing you try here is recorded as a decision.</p>}
        {answer && (
          <>
            <p class="headline">
              <Verdict value={answer.verdict} /> <span class="status">{answer.status}</span> <code>{shown(answer.reason)}</code>
            </p>
            <ol class="why">
              {(answer.why ?? []).map((w, i) => (
                <li key={i}>
                  <strong>{shown(w.policy) || 'no policy'}</strong> <code>{shown(w.rule)}</code>
                  <div>
                    <code>{shown(w.condition, 200)}</code> {shown(w.result)}
                  </div>
                  {(w.expected || w.value) && (
                    <div class="pair">
                      <span>
                        wanted <code>{shown(w.expected, 300) || '\u2013'}</code>
                      </span>
                      <span>
                        got <code>{shown(w.value, 300) || 'nothing'}</code>
                      </span>
                    </div>
                  )}
                </li>
              ))}
            </ol>
          </>
        )}
      </div>
    </div>
  );
}

const tabs: [string, string, () => boolean][] = [
  ['', 'Policies', () => true],
  ['source', 'Source', () => true],
  ['try', 'Try', () => may('editor')],
  ['history', 'History', () => true],
];

export function PoliciesPage() {
  const tab = place.value.query.get('tab') ?? '';
  return (
    <section class="page">
      <header class="page-head">
        <h1>Policies</h1>
      </header>
      <div class="segments tabs" role="group" aria-label="Views of the policy set">
        {tabs
          .filter(([, , visible]) => visible())
          .map(([name, title]) => (
            <button key={name} type="button" aria-pressed={tab === name} onClick={() => goWith({ tab: name })}>
              {title}
            </button>
          ))}
      </div>
      {tab === 'source' ? <Source /> : tab === 'history' ? <History /> : tab === 'try' ? <Try /> : <List />}
    </section>
  );
}
