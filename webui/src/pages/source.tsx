import { useEffect, useRef, useState } from 'preact/hooks';
import { api, ask, type Schemas, type ValidationError } from '../api/client';
import { drop, isKept, keep, myWork } from '../app/draft';
import { place } from '../app/router';
import { may } from '../app/session';
import { Confirm } from '../components/confirm';
import { Alert, Loading, Time } from '../components/parts';
import { isSameText, merge } from '../lib/diff';
import { offsetOf } from '../lib/pointer';
import { columnShown } from '../lib/position';
import { shown } from '../lib/text';
import type { Editor } from './editor';
import { Behind, DraftConflict, PublishDialog } from './publish';

type PolicySet = Schemas['PolicySet'];
type Draft = Schemas['PolicyDraft'];

interface Base {
  version: string; // '' when nothing was published
  etag: string;
}

interface Loaded {
  current: PolicySet | null;
  draft: Draft | null;
  base: Base;
}

const first = `{
  "apiVersion": "haward/v1",
  "defaultAction": "DENY",
  "issuers": [],
  "services": [],
  "policies": []
}
`;

// What the text started from: of work at hand its own, of a saved draft the version it names.
async function baseOf(current: PolicySet | null, draft: Draft | null): Promise<Base> {
  const work = myWork();
  if (work) return { version: work.base, etag: work.etag };
  const named = draft && draft.base_version !== '0' ? draft.base_version : '';
  if (named && named !== current?.version) {
    const r = await ask(api.GET('/api/v1/policy-set/versions/{n}', { params: { path: { n: named } } }));
    if (r.data) return { version: named, etag: r.data.etag };
  }
  return { version: current?.version ?? '', etag: current?.etag ?? '' };
}

async function loadAll(): Promise<Loaded | string> {
  const [set, draft] = await Promise.all([ask(api.GET('/api/v1/policy-set')), ask(api.GET('/api/v1/policy-set/draft'))]);
  if (!set.data && set.status !== 404) return set.error ?? '';
  if (!draft.data && draft.status !== 404) return draft.error ?? '';
  const [current, saved] = [set.data ?? null, draft.data ?? null];
  return { current, draft: saved, base: await baseOf(current, saved) };
}

function JsonEditor(props: { text: string; readOnly: boolean; onReady: (editor: Editor) => void; onChange: (text: string) => void; onSave: () => void; onCheck: () => void }) {
  const host = useRef<HTMLDivElement>(null);
  const last = useRef(props);
  const [state, setState] = useState<'loading' | 'ready' | 'failed'>('loading');
  last.current = props;
  useEffect(() => {
    let editor: Editor | undefined;
    let gone = false;
    import('./editor').then(
      (module) => {
        if (gone || !host.current) return;
        editor = module.createEditor(host.current, {
          text: props.text,
          readOnly: props.readOnly,
          onChange: (text) => last.current.onChange(text),
          onSave: () => last.current.onSave(),
          onCheck: () => last.current.onCheck(),
        });
        setState('ready');
        props.onReady(editor);
      },
      () => setState('failed'),
    );
    return () => {
      gone = true;
      editor?.destroy();
    };
  }, []);
  return (
    <>
      {state === 'failed' && <Alert>The editor could not be loaded: the agent was updated, or cannot be reached. Reload the page; your text is kept.</Alert>}
      {state === 'loading' && <Loading what="the editor" />}
      <div class="editor" ref={host} hidden={state !== 'ready'} />
    </>
  );
}

interface ErrorListProps {
  errors: ValidationError[];
  title: string;
  tone: 'bad' | 'warn';
  text: string;
  stale: boolean;
  onShow: (e: ValidationError) => void;
}

function ErrorList(props: ErrorListProps) {
  const { errors } = props;
  return (
    <div class={`alert ${props.tone}`} role={props.tone === 'bad' ? 'alert' : 'status'}>
      <strong>{props.title}</strong>
      {props.stale && <span> (before your last change)</span>}
      <ul class="errors">
        {errors.map((e, i) => (
          <li key={i}>
            {e.line > 0 && (
              <button type="button" class="link" onClick={() => props.onShow(e)}>
                line {e.line}, column {columnShown(props.text, e.line, e.column)}
              </button>
            )}{' '}
            <code>{shown(e.pointer, 100)}</code> {shown(e.message, 300)}
          </li>
        ))}
      </ul>
    </div>
  );
}

function DiscardDialog({ draft, ...props }: { draft: Draft; onClose: () => void; onDone: () => void }) {
  const send = async () => {
    const r = await ask(api.DELETE('/api/v1/policy-set/draft', { params: { header: { 'If-Match': draft.etag } } }));
    if (r.status === 204 || r.status === 404) return null;
    return r.status === 412 ? 'Somebody saved the draft again meanwhile. Close this and reload the page to see it.' : (r.error ?? '');
  };
  return (
    <Confirm title="Delete the draft" act="Delete the draft" send={send} {...props}>
      <p>
        The draft of {shown(draft.author)}, saved <Time iso={draft.time} />, goes for everybody. What is in force stays.
      </p>
    </Confirm>
  );
}

// Where the text stands: in force, a draft, changed here.
function Standing({ all, unsaved, differs }: { all: Loaded; unsaved: boolean; differs: boolean }) {
  const { current, draft } = all;
  return (
    <p class="muted standing">
      {current ? (
        <>
          In force: version {current.version} by {shown(current.author)}, <Time iso={current.time} />
        </>
      ) : (
        'Nothing is in force yet: everything is denied'
      )}
      {draft && (
        <>
          {'. '}
          Draft of {shown(draft.author)}, saved <Time iso={draft.time} />
        </>
      )}
      {unsaved ? <strong class="changed"> {'\u00b7'} changed here, not saved</strong> : differs && <strong class="changed"> {'\u00b7'} not published</strong>}
    </p>
  );
}

type Dialogs = 'publish' | 'discard' | '';

export function Source() {
  const [all, setAll] = useState<Loaded>();
  const [text, setText] = useState('');
  const [error, setError] = useState('');
  const [errors, setErrors] = useState<{ list: ValidationError[]; warnings: ValidationError[]; text: string }>({ list: [], warnings: [], text: '' });
  const [said, setSaid] = useState('');
  const [dialog, setDialog] = useState<Dialogs>('');
  const [theirs, setTheirs] = useState<Draft>(); // a draft that somebody saved meanwhile
  const editor = useRef<Editor>();
  const quiet = useRef(false); // the text is being set, not typed
  const reference = all?.draft?.text ?? all?.current?.text ?? first;

  const put = (next: string) => {
    setText(next);
    quiet.current = true;
    if (editor.current && editor.current.text() !== next) editor.current.setText(next);
    quiet.current = false;
  };
  const load = async () => {
    const found = await loadAll();
    if (typeof found === 'string') return setError(found);
    const next = myWork()?.text ?? found.draft?.text ?? found.current?.text ?? first;
    setError('');
    setAll(found);
    put(next);
  };
  useEffect(() => void load(), []);
  // While somebody writes, what is wrong is marked in the text; the list of it is told to who asks.
  useEffect(() => {
    if (!all || !may('editor') || isSameText(text, reference)) return;
    const look = async () => {
      const r = await ask(api.POST('/api/v1/policy-set/validation', { body: { text } }));
      if (r.data && editor.current?.text() === text) editor.current.setErrors(r.data.errors, r.data.warnings);
    };
    const timer = setTimeout(() => void look(), 700);
    return () => clearTimeout(timer);
  }, [text]);

  const write = (next: string, base: Base) => {
    setText(next);
    setSaid('');
    if (isSameText(next, reference)) drop();
    else keep({ text: next, base: base.version, etag: base.etag });
  };
  const edit = (next: string) => {
    if (!quiet.current && all) write(next, all.base);
  };
  // Back to what is saved, and to what that started from.
  const discard = async () => {
    drop();
    showErrors([]);
    await load();
  };
  const showErrors = (list: ValidationError[], warnings: ValidationError[] = []) => {
    setErrors({ list, warnings, text });
    editor.current?.setErrors(list, warnings);
  };
  const validate = async (): Promise<boolean> => {
    const r = await ask(api.POST('/api/v1/policy-set/validation', { body: { text } }));
    setError(r.error ?? '');
    setSaid('');
    if (!r.data) return false;
    showErrors(r.data.errors, r.data.warnings);
    if (r.data.errors[0]) editor.current?.show(r.data.errors[0]);
    return r.data.valid;
  };
  const check = async () => {
    if (await validate()) setSaid('Valid: it could be published.');
  };
  const save = async (over = all?.draft?.etag) => {
    if (!all || !may('editor') || isSameText(text, reference)) return;
    const r = await ask(
      api.PUT('/api/v1/policy-set/draft', {
        params: { header: over ? { 'If-Match': over } : { 'If-None-Match': '*' } },
        body: { text, ...(all.base.version ? { base_version: all.base.version } : {}) },
      }),
    );
    if (r.status === 412) {
      const now = await ask(api.GET('/api/v1/policy-set/draft'));
      if (now.data) return setTheirs(now.data);
    }
    setError(r.error ?? '');
    if (!r.data) return;
    drop();
    setTheirs(undefined);
    setAll({ ...all, draft: r.data });
    setSaid('The draft is saved. Everybody who may edit sees it.');
  };
  const openPublish = async () => {
    if (!may('editor') || (await validate())) setDialog('publish');
  };
  const fresh = async (message: string) => {
    drop();
    setDialog('');
    setTheirs(undefined);
    showErrors([]);
    await load();
    setSaid(message);
  };
  // The text goes on from what is in force now: as it is, or together with what changed there.
  const goOn = async (together: boolean) => {
    const current = all?.current;
    if (!all || !current) return;
    const base = { version: current.version, etag: current.etag };
    let next = text;
    if (together) {
      const r = all.base.version ? await ask(api.GET('/api/v1/policy-set/versions/{n}', { params: { path: { n: all.base.version } } })) : undefined;
      const merged = merge(r?.data?.text ?? '', text, current.text, { mine: 'yours', theirs: `version ${current.version} of ${current.author}` });
      next = merged.text;
      setError(merged.conflicts ? `${merged.conflicts === 1 ? 'One place was' : `${merged.conflicts} places were`} changed on both sides. Both stand there, between <<<<<<< and >>>>>>>: choose, then validate.` : '');
    }
    setAll({ ...all, base });
    put(next);
    write(next, base);
    if (together) editor.current?.find('<<<<<<<');
  };

  if (error && !all) return <Alert>{error}</Alert>;
  if (!all) return <Loading what="the policy set" />;
  const { current, draft, base } = all;
  const editable = may('editor') || may('publisher');
  const unsaved = !isSameText(text, reference);
  const differs = !isSameText(text, current?.text ?? '');
  const behind = !!current && base.version !== current.version && differs;
  const jump = (e: Editor) => {
    editor.current = e;
    const at = offsetOf(text, place.value.query.get('at') ?? '');
    if (place.value.query.get('at') && at >= 0) e.select(at);
  };
  return (
    <>
      <div class="bar">
        <Standing all={all} unsaved={unsaved} differs={differs} />
        <div class="actions">
          {may('editor') && (
            <button type="button" onClick={() => void check()}>
              Validate
            </button>
          )}
          {unsaved && (
            <button type="button" onClick={() => void discard()}>
              Discard changes
            </button>
          )}
          {!unsaved && draft && may('editor') && (
            <button type="button" onClick={() => setDialog('discard')}>
              {'Delete draft\u2026'}
            </button>
          )}
          {may('editor') && (
            <button type="button" disabled={!unsaved} onClick={() => void save()}>
              Save draft
            </button>
          )}
          {may('publisher') && (
            <button type="button" class="primary" disabled={!differs || behind} onClick={() => void openPublish()}>
              {'Publish\u2026'}
            </button>
          )}
        </div>
      </div>
      {!isKept.value && <Alert>This browser has no room to keep the text over a reload. Save it as a draft.</Alert>}
      {behind && <Behind base={base.version} current={current} text={text} onGoOn={(together) => void goOn(together)} />}
      {theirs && <DraftConflict theirs={theirs} text={text} onOver={() => void save(theirs.etag)} onTake={() => void fresh('This is the draft that is saved.')} />}
      {error && <Alert>{error}</Alert>}
      {said && <Alert tone="good">{said}</Alert>}
      {errors.list.length > 0 && (
        <ErrorList
          errors={errors.list}
          title={`${errors.list.length === 1 ? 'One error' : `${errors.list.length} errors`}: the running policy set stays in force`}
          tone="bad"
          text={errors.text}
          stale={text !== errors.text}
          onShow={(e) => editor.current?.show(e)}
        />
      )}
      {errors.warnings.length > 0 && (
        <ErrorList
          errors={errors.warnings}
          title={errors.warnings.length === 1 ? 'One thing that is perhaps not meant' : `${errors.warnings.length} things that are perhaps not meant`}
          tone="warn"
          text={errors.text}
          stale={text !== errors.text}
          onShow={(e) => editor.current?.show(e)}
        />
      )}
      <JsonEditor text={text} readOnly={!editable} onReady={jump} onChange={edit} onSave={() => void save()} onCheck={() => void check()} />
      <p class="muted hint">
        {editable ? 'Tab indents; Esc and then Tab leaves the editor. Ctrl-S saves the draft, Ctrl-Enter validates, Ctrl-Space completes, Ctrl-F finds.' : 'Your role may read it. Ctrl-F finds.'}
      </p>
      {dialog === 'publish' && (
        <PublishDialog
          current={current}
          etag={base.etag}
          text={text}
          onClose={() => setDialog('')}
          onDone={() => void fresh('Published. Every worker judges by it now.')}
          onErrors={showErrors}
          onOvertaken={() => {
            setDialog('');
            void load();
          }}
        />
      )}
      {dialog === 'discard' && draft && <DiscardDialog draft={draft} onClose={() => setDialog('')} onDone={() => void fresh('The draft is deleted.')} />}
    </>
  );
}
