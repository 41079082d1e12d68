import { useEffect, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { may } from '../app/session';
import { Confirm } from '../components/confirm';
import { More } from '../components/listing';
import { Alert, Dialog, Empty, Loading, Time } from '../components/parts';
import { shown } from '../lib/text';

type Kind = Schemas['RevocationKind'];

const kinds: Record<Kind, { name: string; claim: string; what: string }> = {
  token: { name: 'Token', claim: 'jti', what: 'one token' },
  subject: { name: 'User', claim: 'sub', what: 'everything the user was given until now; signing in again helps' },
  client: { name: 'Client', claim: 'azp or client_id', what: 'everything the program was given until now' },
  key: { name: 'Signing key', claim: 'kid', what: 'everything this key has signed or will sign' },
  session: { name: 'Session', claim: 'sid', what: 'everything that belongs to one session at the issuer' },
};

const days: [number, string][] = [
  [1, 'a day'],
  [30, '30 days'],
  [366, 'a year'],
  [3650, 'ten years'],
];

function KindBoxes({ kind, onKind }: { kind: Kind; onKind: (kind: Kind) => void }) {
  return (
    <fieldset>
      <legend>What</legend>
      {(Object.keys(kinds) as Kind[]).map((one) => (
        <label key={one} class="check">
          <input type="radio" name="kind" value={one} checked={one === kind} onChange={() => onKind(one)} />
          <span>
            <strong>{kinds[one].name}</strong> <span class="muted">{kinds[one].what}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

interface NewProps {
  onClose: () => void;
  onDone: () => void;
}

function NewDialog({ onClose, onDone }: NewProps) {
  const [kind, setKind] = useState<Kind>('subject');
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(form.get(name) ?? '').trim();
    setBusy(true);
    const expires_at = new Date(Date.now() + Number(text('days')) * 86400000).toISOString();
    const r = await ask(api.POST('/api/v1/revocations', { body: { kind, issuer: text('issuer'), name: text('name'), reason: text('reason'), expires_at } }));
    setBusy(false);
    if (r.data) onDone();
    else setError(r.error ?? '');
  };
  return (
    <Dialog title="Revoke" onClose={onClose}>
      <form onSubmit={submit}>
        {error && <Alert>{error}</Alert>}
        <KindBoxes kind={kind} onKind={setKind} />
        <label class="field">
          <span>Issuer</span>
          <input name="issuer" maxLength={2048} autocomplete="off" autocapitalize="none" spellcheck={false} placeholder="https://idp.example" required />
          <small class="muted">As its tokens name it, byte for byte.</small>
        </label>
        <label class="field">
          <span>
            {kinds[kind].name} ({kinds[kind].claim})
          </span>
          <input name="name" maxLength={2048} autocomplete="off" autocapitalize="none" spellcheck={false} required />
        </label>
        <label class="field">
          <span>Remembered for</span>
          <select name="days">
            {days.map(([n, words]) => (
              <option key={n} value={n} selected={n === 366}>
                {words}
              </option>
            ))}
          </select>
          <small class="muted">Choose longer than a token lives: one that outlives its revocation is good again.</small>
        </label>
        <label class="field">
          <span>Reason</span>
          <input name="reason" maxLength={500} autocomplete="off" />
        </label>
        <div class="actions">
          <button class="danger" disabled={busy}>
            Revoke
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface BackProps extends NewProps {
  revocation: Schemas['Revocation'];
}

function BackDialog({ revocation: r, ...props }: BackProps) {
  const send = async () => {
    const answer = await ask(api.DELETE('/api/v1/revocations/{id}', { params: { path: { id: r.id } } }));
    return answer.status === 204 || answer.status === 404 ? null : (answer.error ?? '');
  };
  return (
    <Confirm title="Take it back?" act="Take the revocation back" send={send} {...props}>
      <p>
        What was revoked of <strong>{shown(r.name, 80)}</strong> is believed again at once, until its own time is over.
      </p>
    </Confirm>
  );
}

function Row({ revocation: r, onBack }: { revocation: Schemas['Revocation']; onBack: () => void }) {
  return (
    <tr>
      <td data-label="What" class="short">
        {kinds[r.kind].name}
      </td>
      <td data-label="Name" class="grow">
        <div>
          <strong title={shown(r.name, 2048)}>{shown(r.name, 80)}</strong>
          <div class="muted">{shown(r.issuer, 80)}</div>
          {r.reason && <div>{shown(r.reason, 500)}</div>}
        </div>
      </td>
      <td data-label="Issued until">{r.until ? <Time iso={r.until} /> : <span class="muted">any time</span>}</td>
      <td data-label="Forgotten">
        <Time iso={r.expires_at} />
      </td>
      <td data-label="By">
        <span>
          {shown(r.author)}, <Time iso={r.created_at} />
        </span>
      </td>
      <td>
        {may('admin') && (
          <div class="actions">
            <button type="button" aria-label={`Take back ${shown(r.name, 80)}`} onClick={onBack}>
              {'Take back\u2026'}
            </button>
          </div>
        )}
      </td>
    </tr>
  );
}

function Table({ items, onBack }: { items: Schemas['Revocation'][]; onBack: (one: Schemas['Revocation']) => void }) {
  return (
    <table class="rows cards-narrow">
      <caption class="hidden">What is revoked, newest first</caption>
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">Name</th>
          <th scope="col">Issued until</th>
          <th scope="col">Forgotten</th>
          <th scope="col">By</th>
          <th scope="col">
            <span class="hidden">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {items.map((one) => (
          <Row key={one.id} revocation={one} onBack={() => onBack(one)} />
        ))}
      </tbody>
    </table>
  );
}

export function RevocationsPage() {
  const [items, setItems] = useState<Schemas['Revocation'][]>();
  const [next, setNext] = useState<string | null>(null);
  const [error, setError] = useState('');
  const [open, setOpen] = useState<'new' | Schemas['Revocation']>();
  const load = async (cursor?: string) => {
    const r = await ask(api.GET('/api/v1/revocations', { params: { query: { limit: 100, cursor } } }));
    setError(r.error ?? '');
    if (!r.data) return;
    setItems(cursor ? [...(items ?? []), ...r.data.items] : r.data.items);
    setNext(r.data.exhausted ? null : r.data.next_cursor);
  };
  useEffect(() => void load(), []);
  const close = () => setOpen(undefined);
  const done = () => {
    close();
    void load();
  };
  return (
    <section class="page">
      <header class="page-head">
        <h1>Revocations</h1>
        {may('admin') && (
          <button type="button" class="primary" onClick={() => setOpen('new')}>
            {'Revoke\u2026'}
          </button>
        )}
      </header>
      <p class="muted">What is refused though its signature is good and its time has not come; in force in every worker at once.</p>
      {error && <Alert>{error}</Alert>}
      {!items && !error && <Loading what="revocations" />}
      {items?.length === 0 && <Empty title="Nothing is revoked" />}
      {items && items.length > 0 && <Table items={items} onBack={setOpen} />}
      <More next={next} onMore={(cursor) => void load(cursor)} />
      {open === 'new' && <NewDialog onClose={close} onDone={done} />}
      {open && open !== 'new' && <BackDialog revocation={open} onClose={close} onDone={done} />}
    </section>
  );
}
