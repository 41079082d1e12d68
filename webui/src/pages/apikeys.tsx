import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { useSearched } from '../app/searched';
import { may } from '../app/session';
import { Confirm } from '../components/confirm';
import { itemsOf, TextField } from '../components/fields';
import { More, Search } from '../components/listing';
import { Alert, Copy, Dialog, Empty, Facts, Loading, Time } from '../components/parts';
import { shown } from '../lib/text';

type Key = Schemas['ApiKey'];

const day = 86400;
const lifetimes: [string, number][] = [
  ['90 days', 90 * day],
  ['1 year', 365 * day],
  ['30 days', 30 * day],
  ['7 days', 7 * day],
  ['never', 0],
];
const overlaps: [string, number][] = [
  ['1 day', day],
  ['1 hour', 3600],
  ['7 days', 7 * day],
  ['30 days', 30 * day],
  ['not at all: the old key ends now', 0],
];

const tones: Record<Key['state'], string> = { active: 'good', ending: 'warn', disabled: 'warn', expired: 'warn', revoked: 'bad' };

function State({ of: key }: { of: Key }) {
  return <span class={`verdict ${tones[key.state]}`}>{key.state}</span>;
}

const setDisabled = (key: Key, disabled: boolean) => ask(api.PATCH('/api/v1/api-keys/{id}', { params: { path: { id: key.id } }, body: { disabled } }));

function endOf(form: FormData): string | null {
  const seconds = Number(form.get('lifetime'));
  return seconds ? new Date(Date.now() + seconds * 1000).toISOString() : null;
}

function Choice({ name, label, choices, note }: { name: string; label: string; choices: [string, number][]; note?: string }) {
  return (
    <label class="field">
      <span>{label}</span>
      <select name={name}>
        {choices.map(([text, seconds]) => (
          <option key={seconds} value={seconds}>
            {text}
          </option>
        ))}
      </select>
      {note && <small class="muted">{note}</small>}
    </label>
  );
}

// The one time that a key is seen: a stray Esc or click must not take it away.
function MadeDialog({ made, onClose }: { made: Schemas['ApiKeyMade']; onClose: () => void }) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.select(), []);
  return (
    <Dialog title="The new key" onClose={onClose} wide held>
      <Alert tone="warn">Copy it now: it is not shown again, and nobody can look it up.</Alert>
      <label class="field">
        <span>Key</span>
        <input ref={field} class="secret" readOnly autofocus value={made.key} onFocus={(e) => e.currentTarget.select()} />
      </label>
      <div class="actions">
        <Copy what="the key" text={() => made.key} />
      </div>
      <p class="muted">
        It stands for <strong>{shown(made.owner)}</strong> and is in force. A program sends it as <code>X-Api-Key</code>, or as <code>Authorization: Bearer</code>.
      </p>
      <div class="actions">
        <button type="button" class="primary" onClick={onClose}>
          I have it
        </button>
      </div>
    </Dialog>
  );
}

interface FormProps {
  title: string;
  act: string;
  send: (form: FormData) => Promise<{ data?: Schemas['ApiKeyMade']; error?: string }>;
  onClose: () => void;
  onMade: (made: Schemas['ApiKeyMade']) => void;
  children: ComponentChildren;
}

function FormDialog({ title, act, send, onClose, onMade, children }: FormProps) {
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    const r = await send(new FormData(event.currentTarget as HTMLFormElement));
    setBusy(false);
    if (r.data) onMade(r.data);
    else setError(r.error ?? '');
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={submit}>
        {error && <Alert>{error}</Alert>}
        {children}
        <div class="actions">
          <button class="primary" disabled={busy}>
            {act}
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface MakeProps {
  onClose: () => void;
  onMade: (made: Schemas['ApiKeyMade']) => void;
}

function NewDialog(props: MakeProps) {
  const send = (form: FormData) =>
    ask(
      api.POST('/api/v1/api-keys', {
        body: {
          owner: String(form.get('owner')),
          client: String(form.get('client')),
          note: String(form.get('note')),
          groups: itemsOf(form, 'groups', /[\n,]/),
          scopes: itemsOf(form, 'scopes', /[\s,]+/),
          services: itemsOf(form, 'services', /[\s,]+/),
          networks: itemsOf(form, 'networks', /[\s,]+/),
          expires_at: endOf(form),
        },
      }),
    );
  return (
    <FormDialog title="New API key" act="Make the key" send={send} {...props}>
      <TextField name="owner" label="Owner" note="The user it stands for, in policies and in the trail." required first />
      <TextField name="client" label="Client" note="The program that holds it." />
      <TextField name="scopes" label="Scopes" note="With blanks between, as orders:read orders:write." />
      <TextField name="groups" label="Groups" note="With commas between." />
      <TextField name="services" label="Only for services" note="Empty: for any." />
      <TextField name="networks" label="Only from networks" note="As 10.0.0.0/8 2001:db8::/32. Empty: from anywhere." />
      <Choice name="lifetime" label="Ends after" choices={lifetimes} />
      <TextField name="note" label="Note" />
    </FormDialog>
  );
}

function RotateDialog({ of: key, ...props }: MakeProps & { of: Key }) {
  const send = (form: FormData) =>
    ask(api.POST('/api/v1/api-keys/rotations', { body: { id: key.id, overlap_seconds: Number(form.get('overlap')), expires_at: endOf(form) } }));
  return (
    <FormDialog title="Rotate the key" act="Make the new key" send={send} {...props}>
      <p>
        A new key for <strong>{shown(key.owner)}</strong> with the same rights. Put it in place while the old one is still good.
      </p>
      <Choice name="overlap" label="The old key is good for" choices={overlaps} note="Unless its own end is nearer." />
      <Choice name="lifetime" label="The new key ends after" choices={lifetimes} />
    </FormDialog>
  );
}

interface ActProps {
  of: Key;
  onClose: () => void;
  onDone: () => void;
}

function RevokeDialog({ of: key, ...props }: ActProps) {
  const send = async () => {
    const r = await ask(api.POST('/api/v1/api-keys/revocations', { body: { id: key.id } }));
    return r.data ? null : (r.error ?? '');
  };
  return (
    <Confirm title="Revoke the key?" act="Revoke the key" send={send} {...props}>
      <p>
        Requests with key <code>{key.id}</code> of <strong>{shown(key.owner)}</strong> are refused from now on, for good. Whoever uses it needs another one.
      </p>
    </Confirm>
  );
}

function DisableDialog({ of: key, ...props }: ActProps) {
  const send = async () => {
    const r = await setDisabled(key, true);
    return r.data ? null : (r.error ?? '');
  };
  return (
    <Confirm title="Disable the key?" act="Disable the key" send={send} {...props}>
      <p>
        Requests with key <code>{key.id}</code> of <strong>{shown(key.owner)}</strong> are refused until it is enabled again.
      </p>
    </Confirm>
  );
}

const listed = (items: string[], none = '') => items.map((item) => shown(item)).join(', ') || none;

function ShowDialog({ of: key, onClose }: { of: Key; onClose: () => void }) {
  return (
    <Dialog title={`Key of ${shown(key.owner, 60)}`} onClose={onClose} wide>
      <Facts
        rows={[
          ['Id', <code>{key.id}</code>],
          ['State', <State of={key} />],
          ['Principal', <code>{key.principal}</code>],
          ['Owner', shown(key.owner, 300)],
          ['Client', shown(key.client, 300)],
          ['Note', shown(key.note, 300)],
          ['Scopes', listed(key.scopes)],
          ['Groups', listed(key.groups)],
          ['Services', listed(key.services, 'any')],
          ['Networks', listed(key.networks, 'any')],
          ['Made', <Time iso={key.created_at} />],
          ['Made by', shown(key.created_by)],
          ['Ends', <Time iso={key.expires_at} />],
          ['Revoked', key.revoked_at && <Time iso={key.revoked_at} />],
          ['Revoked by', shown(key.revoked_by)],
          ['Disabled', key.disabled_at && <Time iso={key.disabled_at} />],
          ['Disabled by', shown(key.disabled_by)],
          ['In the place of', key.rotated_from && <code>{key.rotated_from}</code>],
          ['Followed by', key.rotated_to && <code>{key.rotated_to}</code>],
          ['Last used', key.last_used_on ?? 'never'],
        ]}
      />
      <p>
        <a href={`/decisions?q=${encodeURIComponent(`subject:${key.id}`)}`}>Decisions about it</a>
      </p>
    </Dialog>
  );
}

// Where it is good, when not everywhere.
function fences(key: Key): string {
  const services = key.services.length ? `only for ${listed(key.services)}` : '';
  const networks = key.networks.length ? `only from ${listed(key.networks)}` : '';
  return [services, networks].filter(Boolean).join('; ');
}

type Open = { kind: 'new' } | { kind: 'made'; made: Schemas['ApiKeyMade'] } | { kind: 'show' | 'rotate' | 'disable' | 'revoke'; of: Key };

interface RowProps {
  onOpen: (open: Open) => void;
  onEnable: (key: Key) => void;
}

function KeyRow({ of: key, onOpen, onEnable }: RowProps & { of: Key }) {
  const name = `${key.id} of ${key.owner}`;
  return (
    <tr>
      <td data-label="Owner">
        <span>
          <strong>{shown(key.owner)}</strong>
          {key.client && <span class="muted"> {shown(key.client)}</span>}
          <br />
          <button type="button" class="link" aria-label={`Show key ${name}`} onClick={() => onOpen({ kind: 'show', of: key })}>
            <code>{key.id}</code>
          </button>
        </span>
      </td>
      <td data-label="State">
        <State of={key} />
      </td>
      <td data-label="Rights" class="grow">
        <span>
          {listed([...key.scopes, ...key.groups]) || <span class="muted">no scopes or groups</span>}
          {fences(key) && (
            <>
              <br />
              <span class="muted">{fences(key)}</span>
            </>
          )}
        </span>
      </td>
      <td data-label="Ends">
        <Time iso={key.expires_at} />
      </td>
      <td data-label="Last used">{key.last_used_on ?? <span class="muted">never</span>}</td>
      <td>
        {may('admin') && key.state !== 'revoked' && (
          <div class="actions">
            {key.state === 'active' && (
              <button type="button" aria-label={`Rotate key ${name}`} onClick={() => onOpen({ kind: 'rotate', of: key })}>
                {'Rotate\u2026'}
              </button>
            )}
            {key.state === 'disabled' ? (
              <button type="button" aria-label={`Enable key ${name}`} onClick={() => onEnable(key)}>
                Enable
              </button>
            ) : (
              <button type="button" aria-label={`Disable key ${name}`} onClick={() => onOpen({ kind: 'disable', of: key })}>
                {'Disable\u2026'}
              </button>
            )}
            <button type="button" class="danger" aria-label={`Revoke key ${name}`} onClick={() => onOpen({ kind: 'revoke', of: key })}>
              {'Revoke\u2026'}
            </button>
          </div>
        )}
      </td>
    </tr>
  );
}

function KeyTable({ items, ...acts }: RowProps & { items: Key[] }) {
  return (
    <table class="rows cards-narrow api-keys">
      <caption class="hidden">API keys, newest first</caption>
      <thead>
        <tr>
          {['Owner', 'State', 'Rights', 'Ends', 'Last used'].map((head) => (
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
        {items.map((key) => (
          <KeyRow key={key.id} of={key} {...acts} />
        ))}
      </tbody>
    </table>
  );
}

export function ApiKeysPage() {
  const { items, next, search, setSearch, error, load } = useSearched((q, cursor) => ask(api.GET('/api/v1/api-keys', { params: { query: { q, limit: 100, cursor } } })));
  const [open, setOpen] = useState<Open>();
  const [refused, setRefused] = useState('');
  const close = () => setOpen(undefined);
  const done = () => {
    close();
    void load();
  };
  const enable = async (key: Key) => {
    const r = await setDisabled(key, false);
    setRefused(r.error ?? '');
    void load();
  };
  const made = (key: Schemas['ApiKeyMade']) => {
    setOpen({ kind: 'made', made: key });
    void load();
  };
  return (
    <section class="page">
      <header class="page-head">
        <h1>API keys</h1>
        {may('admin') && (
          <button type="button" class="primary" onClick={() => setOpen({ kind: 'new' })}>
            {'New key\u2026'}
          </button>
        )}
      </header>
      <p class="muted">Credentials for programs that have no issuer to get tokens from. What is done here is in force at once.</p>
      <Search what="Owner, client, note or id" search={search} onSearch={setSearch} />
      <div class="found" aria-live="polite">
        {(error || refused) && <Alert>{error || refused}</Alert>}
        {!items && !error && <Loading what="API keys" />}
        {items?.length === 0 && search && <Empty title="No key has this in it" />}
        {items?.length === 0 && !search && <Empty title="There are no API keys yet">{may('admin') && <p>Make one for each program, with no more rights than it needs.</p>}</Empty>}
      </div>
      {items && items.length > 0 && <KeyTable items={items} onOpen={setOpen} onEnable={(key) => void enable(key)} />}
      <More next={next} onMore={(cursor) => void load(cursor)} />
      {open?.kind === 'new' && <NewDialog onClose={close} onMade={made} />}
      {open?.kind === 'made' && <MadeDialog made={open.made} onClose={close} />}
      {open?.kind === 'show' && <ShowDialog of={open.of} onClose={close} />}
      {open?.kind === 'rotate' && <RotateDialog of={open.of} onClose={close} onMade={made} />}
      {open?.kind === 'disable' && <DisableDialog of={open.of} onClose={close} onDone={done} />}
      {open?.kind === 'revoke' && <RevokeDialog of={open.of} onClose={close} onDone={done} />}
    </section>
  );
}
