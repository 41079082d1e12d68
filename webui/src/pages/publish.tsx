// Publishing, and the two ways in which somebody else may have been faster.
import { useEffect, useState } from 'preact/hooks';
import { api, ask, type Schemas, type ValidationError } from '../api/client';
import { replayed } from '../app/replayed';
import { Changes } from '../components/changes';
import { Diff } from '../components/diff';
import { Alert, Dialog, Time } from '../components/parts';
import { count, shown } from '../lib/text';

type PolicySet = Schemas['PolicySet'];

interface PublishProps {
  current: PolicySet | null;
  etag: string; // of the version that the text started from
  text: string;
  onClose: () => void;
  onDone: () => void;
  onErrors: (errors: ValidationError[]) => void;
  onOvertaken: () => void;
}

// What the last replay said, if it was of this text.
function LastReplay({ text }: { text: string }) {
  const last = replayed.value;
  if (!last) {
    return (
      <p class="muted">
        It was not replayed: <a href="/policies?tab=impact">Impact</a> tells what it would have changed.
      </p>
    );
  }
  if (last.text !== text) return <Alert tone="warn">The text was changed since its last replay.</Alert>;
  const { newly_denied: denied, newly_allowed: allowed, cannot_tell: unknown, considered } = last.counts;
  return (
    <Alert tone={denied + allowed > 0 ? 'warn' : 'info'}>
      Of {count(considered)} recorded decisions {count(denied)} would be newly denied and {count(allowed)} newly allowed; of {count(unknown)} nobody can tell.
    </Alert>
  );
}

export function PublishDialog(props: PublishProps) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState('');
  const [failing, setFailing] = useState<ValidationError[]>([]);
  const publish = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const message = String(form.get('message')).trim();
    setBusy(true);
    const r = await ask(
      api.POST('/api/v1/policy-set/versions', {
        params: { header: props.etag ? { 'If-Match': props.etag } : { 'If-None-Match': '*' } },
        body: { text: props.text, message, ...(form.has('override') ? { override_tests: true } : {}) },
      }),
    );
    setBusy(false);
    if (r.data) return props.onDone();
    if (r.status === 412) return props.onOvertaken();
    const errors = r.problem?.errors ?? [];
    if (errors.length && errors.every((e) => e.code === 'test_failed')) return setFailing(errors);
    if (r.problem?.errors?.length) {
      props.onErrors(r.problem.errors);
      return props.onClose();
    }
    setError(r.error ?? '');
  };
  return (
    <Dialog title={`Publish as version ${Number(props.current?.version ?? 0) + 1}`} wide onClose={props.onClose}>
      <form onSubmit={publish}>
        <p>It takes effect on live traffic at once, in every worker.</p>
        <LastReplay text={props.text} />
        {error && <Alert>{error}</Alert>}
        {props.current && <Changes from={props.current.version} text={props.text} />}
        {failing.length > 0 && (
          <Alert>
            <p>Tests of the policy set fail; the one in force stays.</p>
            <ul>
              {failing.map((e) => (
                <li key={e.pointer}>
                  {shown(e.message, 400)} <span class="muted">(line {e.line})</span>
                </li>
              ))}
            </ul>
            <label class="check">
              <input type="checkbox" name="override" />
              <span>Publish all the same; that is recorded.</span>
            </label>
          </Alert>
        )}
        <Diff from={props.current?.text ?? ''} to={props.text} label={props.current ? `Against version ${props.current.version}, in force` : 'The first version'} />
        <label class="field">
          <span>What changes, and why</span>
          <textarea name="message" rows={3} maxLength={2000} required autofocus />
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

// The text started from a version that is no longer in force.
export function Behind(props: { base: string; current: PolicySet; text: string; onGoOn: (together: boolean) => void }) {
  const [before, setBefore] = useState<PolicySet>();
  useEffect(() => {
    setBefore(undefined);
    if (!props.base) return;
    void ask(api.GET('/api/v1/policy-set/versions/{n}', { params: { path: { n: props.base } } })).then((r) => setBefore(r.data));
  }, [props.base]);
  const { current } = props;
  return (
    <div class="alert warn" role="alert">
      <p>
        <strong>
          {shown(current.author) || 'Somebody'} published version {current.version}
        </strong>{' '}
        <Time iso={current.time} />, after you started from {props.base ? `version ${props.base}` : 'nothing'}: {shown(current.message, 200)}
      </p>
      <div class="actions">
        <button type="button" class="primary" onClick={() => props.onGoOn(true)}>
          Merge both
        </button>
        <button type="button" onClick={() => props.onGoOn(false)}>
          Keep mine as it is
        </button>
      </div>
      {before && (
        <details>
          <summary>What version {current.version} changed</summary>
          <Changes from={before.version} to={current.version} />
          <Diff from={before.text} to={current.text} label={`Version ${before.version} to ${current.version}`} />
        </details>
      )}
      <details>
        <summary>What your text would change in it</summary>
        <Diff from={current.text} to={props.text} label={`Version ${current.version} to your text`} />
      </details>
    </div>
  );
}

// The draft is one for all; somebody saved another text since it was loaded.
export function DraftConflict(props: { theirs: Schemas['PolicyDraft']; text: string; onOver: () => void; onTake: () => void }) {
  const { theirs } = props;
  return (
    <div class="alert warn" role="alert">
      <p>
        <strong>{shown(theirs.author)} saved another draft</strong> <Time iso={theirs.time} />. Yours is not saved.
      </p>
      <div class="actions">
        <button type="button" onClick={props.onOver}>
          Save mine over it
        </button>
        <button type="button" onClick={props.onTake}>
          Take theirs, drop mine
        </button>
      </div>
      <details open>
        <summary>What yours would change in it</summary>
        <Diff from={theirs.text} to={props.text} label="Their draft to your text" />
      </details>
    </div>
  );
}
