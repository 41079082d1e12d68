import { useEffect, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { goWith, place } from '../app/router';
import { may } from '../app/session';
import { Changes } from '../components/changes';
import { Diff } from '../components/diff';
import { More } from '../components/listing';
import { Alert, Dialog, Empty, Loading, Time } from '../components/parts';
import { bytes, shown } from '../lib/text';

type PolicySet = Schemas['PolicySet'];
type Version = Schemas['PolicyVersion'];

async function fetchVersion(n: string) {
  return ask(api.GET('/api/v1/policy-set/versions/{n}', { params: { path: { n } } }));
}

function RollbackDialog(props: { version: Version; onClose: () => void; onDone: () => void }) {
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const [texts, setTexts] = useState<{ now: PolicySet; then: PolicySet }>();
  const load = async () => {
    const [now, then] = await Promise.all([ask(api.GET('/api/v1/policy-set')), fetchVersion(props.version.version)]);
    if (now.data && then.data) setTexts({ now: now.data, then: then.data });
    else setError(now.error ?? then.error ?? '');
  };
  useEffect(() => void load(), []);
  const rollback = async (event: SubmitEvent) => {
    event.preventDefault();
    if (!texts) return;
    const message = String(new FormData(event.currentTarget as HTMLFormElement).get('message'));
    setBusy(true);
    const r = await ask(
      api.POST('/api/v1/policy-set/rollbacks', {
        params: { header: { 'If-Match': texts.now.etag } },
        body: { version: props.version.version, message },
      }),
    );
    setBusy(false);
    if (r.data) return props.onDone();
    setError(r.status === 412 ? 'Another version was published meanwhile. Below is what going back would change now.' : (r.error ?? ''));
    if (r.status === 412) void load();
  };
  return (
    <Dialog title={`Go back to version ${props.version.version}`} wide onClose={props.onClose}>
      <form onSubmit={rollback}>
        <p>Its text becomes a new version, in force at once. Nothing is taken out of the history.</p>
        {error && <Alert>{error}</Alert>}
        {!texts && !error && <Loading what="both versions" />}
        {texts && <Changes from={texts.now.version} to={props.version.version} />}
        {texts && <Diff from={texts.now.text} to={texts.then.text} label={`What changes against version ${texts.now.version}, in force`} />}
        <label class="field">
          <span>Why</span>
          <textarea name="message" rows={3} maxLength={2000} required autofocus />
        </label>
        <div class="actions">
          <button class="primary" disabled={busy || !texts}>
            {busy ? 'Going back\u2026' : 'Go back'}
          </button>
          <button type="button" onClick={props.onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}

const compares: [string, string][] = [
  ['', 'Text'],
  ['before', 'Changes it made'],
  ['now', 'Against the one in force'],
];

// An older version: its text, what it changed, and what has changed since.
function VersionDialog({ version, onClose }: { version: string; onClose: () => void }) {
  const [set, setSet] = useState<PolicySet>();
  const [other, setOther] = useState<PolicySet | null>();
  const [error, setError] = useState('');
  const [compare, setCompare] = useState('');
  useEffect(() => {
    void fetchVersion(version).then((r) => (r.data ? setSet(r.data) : setError(r.status === 404 ? 'There is no such version.' : (r.error ?? ''))));
  }, [version]);
  useEffect(() => {
    setOther(undefined);
    if (!compare) return;
    void (compare === 'now' ? ask(api.GET('/api/v1/policy-set')) : fetchVersion(String(Number(version) - 1))).then((r) => setOther(r.data ?? null));
  }, [compare, version]);
  return (
    <Dialog title={`Version ${version}`} side onClose={onClose}>
      {error && <Alert>{error}</Alert>}
      {!set && !error && <Loading what="the version" />}
      {set && (
        <>
          <p>
            {shown(set.author)}, <Time iso={set.time} />
          </p>
          <p class="message">{shown(set.message, 2000)}</p>
          <div class="segments" role="group" aria-label="What is shown">
            {compares.map(([name, title]) => (
              <button key={name} type="button" aria-pressed={compare === name} onClick={() => setCompare(name)}>
                {title}
              </button>
            ))}
          </div>
          {compare === '' && (
            <pre class="source" tabIndex={0}>
              {set.text}
            </pre>
          )}
          {compare !== '' && other === undefined && <Loading what="the other version" />}
          {compare === 'before' && other === null && <p class="muted">There is no version before it.</p>}
          {compare === 'before' && other && <Changes from={other.version} to={set.version} />}
          {compare === 'now' && other && <Changes from={set.version} to={other.version} />}
          {compare === 'before' && other && <Diff from={other.text} to={set.text} label={`Version ${other.version} to ${set.version}`} />}
          {compare === 'now' && other && <Diff from={set.text} to={other.text} label={`Version ${set.version} to ${other.version}, in force`} />}
        </>
      )}
    </Dialog>
  );
}

function VersionRow({ v, onBack }: { v: Version; onBack: () => void }) {
  return (
    <tr>
      <td data-label="Version">
        <span>
          <strong>{v.version}</strong>
          {v.current && <span class="tag good">in force</span>}
        </span>
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
      <td>
        <div class="actions">
          <button type="button" aria-label={`View version ${v.version}`} onClick={() => goWith({ version: v.version })}>
            View
          </button>
          {may('publisher') && !v.current && (
            <button type="button" aria-label={`Go back to version ${v.version}`} onClick={onBack}>
              {'Go back\u2026'}
            </button>
          )}
        </div>
      </td>
    </tr>
  );
}

export function History() {
  const [items, setItems] = useState<Version[]>();
  const [next, setNext] = useState<string | null>(null);
  const [error, setError] = useState('');
  const [back, setBack] = useState<Version>();
  const viewed = place.value.query.get('version');
  const load = async (cursor?: string) => {
    const r = await ask(api.GET('/api/v1/policy-set/versions', { params: { query: { limit: 50, cursor } } }));
    setError(r.error ?? '');
    if (!r.data) return;
    setItems(cursor ? [...(items ?? []), ...r.data.items] : r.data.items);
    setNext(r.data.next_cursor);
  };
  useEffect(() => void load(), []);
  return (
    <>
      {error && <Alert>{error}</Alert>}
      {!items && !error && <Loading what="versions" />}
      {items?.length === 0 && <Empty title="Nothing has been published yet" />}
      {items && items.length > 0 && (
        <table class="rows cards-narrow">
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
              <VersionRow key={v.version} v={v} onBack={() => setBack(v)} />
            ))}
          </tbody>
        </table>
      )}
      <More next={next} onMore={(cursor) => void load(cursor)} />
      {viewed && <VersionDialog key={viewed} version={viewed} onClose={() => goWith({ version: '' }, undefined, true)} />}
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
