import { useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { useSearched } from '../app/searched';
import { may } from '../app/session';
import { Confirm } from '../components/confirm';
import { itemsOf, PasswordField, TextField } from '../components/fields';
import { More, Search } from '../components/listing';
import { Alert, Dialog, Empty, Loading, Time } from '../components/parts';
import { shown } from '../lib/text';

type User = Schemas['User'];

interface DialogProps {
  of?: User; // none: a new one
  onClose: () => void;
  onDone: () => void;
}

function GroupsField({ has }: { has: string[] }) {
  return (
    <label class="field">
      <span>Groups</span>
      <input name="groups" autocomplete="off" autocapitalize="none" spellcheck={false} maxLength={511} defaultValue={has.join(', ')} />
      <small class="muted">With commas between; policies ask for them.</small>
    </label>
  );
}

function UserDialog({ of: user, onClose, onDone }: DialogProps) {
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const password = String(form.get('password'));
    const groups = itemsOf(form, 'groups', /,/);
    setBusy(true);
    const r = user
      ? await ask(api.POST('/api/v1/users/changes', { body: { name: user.name, groups, ...(password ? { password } : {}) } }))
      : await ask(api.POST('/api/v1/users', { body: { name: String(form.get('name')), password, groups } }));
    setBusy(false);
    if (r.data) onDone();
    else setError(r.error ?? '');
  };
  return (
    <Dialog title={user ? `User ${shown(user.name)}` : 'New user'} onClose={onClose}>
      <form onSubmit={submit}>
        {error && <Alert>{error}</Alert>}
        {!user && <TextField name="name" label="Name" note="What is typed when the browser or a script asks; without a colon." required first />}
        <PasswordField label={user ? 'New password' : 'Password'} note={`At least 12 characters.${user ? ' Empty: it stays as it is.' : ''}`} required={!user} />
        <GroupsField has={user?.groups ?? []} />
        <div class="actions">
          <button class="primary" disabled={busy}>
            {user ? 'Save' : 'Add the user'}
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function RemoveDialog({ of: user, ...props }: Required<DialogProps>) {
  const send = async () => {
    const r = await ask(api.POST('/api/v1/users/removals', { body: { name: user.name } }));
    return r.status === 204 || r.status === 404 ? null : (r.error ?? '');
  };
  return (
    <Confirm title={`Remove ${shown(user.name)}?`} act="Remove the user" send={send} {...props}>
      <p>The next request with this name and password is refused, in every worker. What was done with it stays in the audit trail.</p>
    </Confirm>
  );
}

type Open = { kind: 'new' } | { kind: 'change' | 'remove'; of: User };

function UserRow({ of: user, onOpen }: { of: User; onOpen: (open: Open) => void }) {
  return (
    <tr>
      <td data-label="Name">
        <a href={`/decisions?q=${encodeURIComponent(`user:"${user.name}"`)}`}>
          <strong>{shown(user.name)}</strong>
        </a>
      </td>
      <td data-label="Groups" class="grow">
        {user.groups.length ? user.groups.map((group) => shown(group)).join(', ') : <span class="muted">none</span>}
      </td>
      <td data-label="Password">
        <span title={user.hash === 'argon2id' ? 'Hashed here' : 'Imported; hashed anew when the user signs in'}>{user.hash}</span>
      </td>
      <td data-label="Changed">
        <Time iso={user.changed_at} />
      </td>
      <td>
        {may('admin') && (
          <div class="actions">
            <button type="button" aria-label={`Change ${user.name}`} onClick={() => onOpen({ kind: 'change', of: user })}>
              {'Change\u2026'}
            </button>
            <button type="button" class="danger" aria-label={`Remove ${user.name}`} onClick={() => onOpen({ kind: 'remove', of: user })}>
              {'Remove\u2026'}
            </button>
          </div>
        )}
      </td>
    </tr>
  );
}

function UserTable({ items, onOpen }: { items: User[]; onOpen: (open: Open) => void }) {
  return (
    <table class="rows cards-narrow">
      <caption class="hidden">Users, by name</caption>
      <thead>
        <tr>
          {['Name', 'Groups', 'Password', 'Changed'].map((head) => (
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
        {items.map((user) => (
          <UserRow key={user.name} of={user} onOpen={onOpen} />
        ))}
      </tbody>
    </table>
  );
}

export function UsersPage() {
  const { items, next, search, setSearch, error, load } = useSearched((q, cursor) => ask(api.GET('/api/v1/users', { params: { query: { q, limit: 100, cursor } } })));
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  const done = () => {
    close();
    void load();
  };
  return (
    <section class="page">
      <header class="page-head">
        <h1>Users</h1>
        {may('admin') && (
          <button type="button" class="primary" onClick={() => setOpen({ kind: 'new' })}>
            {'New user\u2026'}
          </button>
        )}
      </header>
      <p class="muted">Names and passwords for services that take HTTP Basic. What is done here is in force at once.</p>
      <Search what="Name or group" search={search} onSearch={setSearch} />
      <div class="found" aria-live="polite">
        {error && <Alert>{error}</Alert>}
        {!items && !error && <Loading what="users" />}
        {items?.length === 0 && search && <Empty title="No user has this in it" />}
        {items?.length === 0 && !search && (
          <Empty title="There are no users yet">
            <p>
              Add them here, or take over an htpasswd file with <code>haward user import</code>.
            </p>
          </Empty>
        )}
      </div>
      {items && items.length > 0 && <UserTable items={items} onOpen={setOpen} />}
      <More next={next} onMore={(cursor) => void load(cursor)} />
      {open?.kind === 'new' && <UserDialog onClose={close} onDone={done} />}
      {open?.kind === 'change' && <UserDialog of={open.of} onClose={close} onDone={done} />}
      {open?.kind === 'remove' && <RemoveDialog of={open.of} onClose={close} onDone={done} />}
    </section>
  );
}
