import { useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { useSearched } from '../app/searched';
import { may } from '../app/session';
import { Confirm } from '../components/confirm';
import { TextField } from '../components/fields';
import { More } from '../components/listing';
import { Alert, Dialog, Empty, Loading } from '../components/parts';
import { shown } from '../lib/text';

type Relation = Schemas['Relation'];

const textOf = (r: Relation) => `${r.object}#${r.relation}@${r.subject}`;

// A relation as it is written, of which parts may be left out: order:17, order:17#owner, #owner, @user:anne.
function partsOf(text: string): { object?: string; relation?: string; subject?: string } {
  const hash = text.startsWith('@') ? -1 : text.indexOf('#');
  if (hash < 0) return text.startsWith('@') ? { subject: text.slice(1) || undefined } : { object: text || undefined };
  const [relation, ...subject] = text.slice(hash + 1).split('@');
  return { object: text.slice(0, hash) || undefined, relation: relation || undefined, subject: subject.join('@') || undefined };
}

interface DialogProps {
  onClose: () => void;
  onDone: () => void;
}

function AddDialog({ onClose, onDone }: DialogProps) {
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const relations = String(new FormData(event.currentTarget as HTMLFormElement).get('relations')).split(/\s+/).filter(Boolean);
    setBusy(true);
    const r = await ask(api.POST('/api/v1/relations', { body: { relations } }));
    setBusy(false);
    if (r.data) onDone();
    else setError(r.error ?? '');
  };
  return (
    <Dialog title="Add relations" onClose={onClose}>
      <form onSubmit={submit}>
        {error && <Alert>{error}</Alert>}
        <label class="field">
          <span>Relations</span>
          <textarea name="relations" rows={5} autocapitalize="none" spellcheck={false} placeholder="order:17#owner@user:anne" required />
          <small class="muted">One a line: object#relation@subject. All are kept, or none.</small>
        </label>
        <div class="actions">
          <button class="primary" disabled={busy}>
            Add
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function CheckDialog({ onClose }: { onClose: () => void }) {
  const [error, setError] = useState('');
  const [answer, setAnswer] = useState<Schemas['RelationAnswer']>();
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(form.get(name)).trim();
    const r = await ask(api.POST('/api/v1/relations/checks', { body: { object: text('object'), relation: text('relation'), subject: text('subject') } }));
    setError(r.error ?? '');
    setAnswer(r.data);
  };
  return (
    <Dialog title="Check a relation" onClose={onClose}>
      <form onSubmit={submit}>
        <div aria-live="polite">
          {error && <Alert>{error}</Alert>}
          {answer && <Alert tone={answer.allowed ? 'good' : 'bad'}>{`${answer.allowed ? 'Yes' : 'No'}: ${answer.reason}.`}</Alert>}
        </div>
        <TextField name="object" label="Object" note="As order:17" required first />
        <TextField name="relation" label="Relation" note="Its own tuples count, and what follows by the types of the published policy set." required />
        <TextField name="subject" label="Subject" note="As user:anne, or group:eu#member" required />
        <div class="actions">
          <button class="primary">Check</button>
          <button type="button" onClick={onClose}>
            Close
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function RemoveDialog({ of: relation, ...props }: DialogProps & { of: Relation }) {
  const send = async () => {
    const r = await ask(api.POST('/api/v1/relations/deletions', { body: { relations: [textOf(relation)] } }));
    return r.data ? null : (r.error ?? '');
  };
  return (
    <Confirm title="Delete this relation?" act="Delete the relation" send={send} {...props}>
      <p>
        <strong>{shown(textOf(relation), 500)}</strong> and what follows from it count no longer, from the next request on.
      </p>
    </Confirm>
  );
}

function Row({ of: relation, onRemove }: { of: Relation; onRemove: () => void }) {
  return (
    <tr>
      <td data-label="Object" class="grow">
        <strong>{shown(relation.object, 80)}</strong>
      </td>
      <td data-label="Relation">{relation.relation}</td>
      <td data-label="Subject" class="grow">
        {shown(relation.subject, 80)}
      </td>
      <td>
        {may('admin') && (
          <div class="actions">
            <button type="button" class="danger" aria-label={`Delete ${shown(textOf(relation), 500)}`} onClick={onRemove}>
              {'Delete\u2026'}
            </button>
          </div>
        )}
      </td>
    </tr>
  );
}

function RelationTable({ items, onRemove }: { items: Relation[]; onRemove: (one: Relation) => void }) {
  return (
    <table class="rows cards-narrow">
      <caption class="hidden">Relations</caption>
      <thead>
        <tr>
          {['Object', 'Relation', 'Subject'].map((head) => (
            <th key={head} scope="col">
              {head}
            </th>
          ))}
          <th scope="col">
            <span class="hidden">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {items.map((one) => (
          <Row key={textOf(one)} of={one} onRemove={() => onRemove(one)} />
        ))}
      </tbody>
    </table>
  );
}

export function RelationsPage() {
  const { items, next, search, setSearch, error, load } = useSearched((q, cursor) => ask(api.GET('/api/v1/relations', { params: { query: { ...partsOf(q ?? ''), limit: 100, cursor } } })));
  const [open, setOpen] = useState<'add' | 'check' | Relation>();
  const close = () => setOpen(undefined);
  const done = () => {
    close();
    void load();
  };
  return (
    <section class="page">
      <header class="page-head">
        <h1>Relations</h1>
        <div class="actions">
          <button type="button" onClick={() => setOpen('check')}>
            {'Check\u2026'}
          </button>
          {may('admin') && (
            <button type="button" class="primary" onClick={() => setOpen('add')}>
              {'Add\u2026'}
            </button>
          )}
        </div>
      </header>
      <p class="muted">
        Who is what to an object, for <code>related()</code> in the conditions of policies. What is done here is in force at once.
      </p>
      <form role="search" class="search" onSubmit={(e) => e.preventDefault()}>
        <input
          type="search"
          aria-label="Filter by object#relation@subject"
          placeholder="order:17, #owner, @user:anne"
          maxLength={256}
          value={search}
          onInput={(e) => setSearch(e.currentTarget.value)}
        />
      </form>
      <div class="found" aria-live="polite">
        {error && <Alert>{error}</Alert>}
        {!items && !error && <Loading what="relations" />}
        {items?.length === 0 && search && <Empty title="No relation is like this" />}
        {items?.length === 0 && !search && (
          <Empty title="There are no relations yet">
            <p>
              Add them here, or many at once with <code>haward relation write</code>.
            </p>
          </Empty>
        )}
      </div>
      {items && items.length > 0 && <RelationTable items={items} onRemove={setOpen} />}
      <More next={next} onMore={(cursor) => void load(cursor)} />
      {open === 'add' && <AddDialog onClose={close} onDone={done} />}
      {open === 'check' && <CheckDialog onClose={close} />}
      {open && typeof open === 'object' && <RemoveDialog of={open} onClose={close} onDone={done} />}
    </section>
  );
}
