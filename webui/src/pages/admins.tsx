import { useEffect, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { session } from '../app/session';
import { Confirm } from '../components/confirm';
import { Alert, Dialog, Loading, Time } from '../components/parts';
import { shown } from '../lib/text';

type Role = Schemas['Role'];

const roles: [Role, string][] = [
  ['viewer', 'sees decisions and policies, personal data masked'],
  ['auditor', 'sees personal data, exports, reads admin activity'],
  ['editor', 'writes drafts, validates and tries'],
  ['publisher', 'publishes and goes back'],
  ['admin', 'manages accounts, and may do all of the above'],
];

interface DialogProps {
  account?: Schemas['Admin']; // none: a new one
  onClose: () => void;
  onDone: () => void;
}

function RoleBoxes({ has }: { has: Role[] }) {
  return (
    <fieldset>
      <legend>Roles</legend>
      {roles.map(([role, what]) => (
        <label key={role} class="check">
          <input type="checkbox" name="role" value={role} defaultChecked={has.includes(role)} />
          <span>
            <strong>{role}</strong> <span class="muted">{what}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

// A new account, or other roles and another password for one.
function AccountDialog({ account, onClose, onDone }: DialogProps) {
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const password = String(form.get('password'));
    const chosen = form.getAll('role') as Role[];
    if (!chosen.length) return setError('An account needs a role.');
    setBusy(true);
    const r = account
      ? await ask(
          api.PATCH('/api/v1/admins/{username}', {
            params: { path: { username: account.username } },
            body: { roles: chosen, ...(password ? { password } : {}) },
          }),
        )
      : await ask(api.POST('/api/v1/admins', { body: { username: String(form.get('username')), password, roles: chosen } }));
    setBusy(false);
    if (r.data) onDone();
    else setError(r.problem?.errors?.map((e) => e.message).join(' ') || (r.error ?? ''));
  };
  return (
    <Dialog title={account ? `Account ${account.username}` : 'New account'} onClose={onClose}>
      <form onSubmit={submit}>
        {error && <Alert>{error}</Alert>}
        {!account && (
          <label class="field">
            <span>Account</span>
            <input name="username" autocomplete="off" autocapitalize="none" spellcheck={false} required autofocus />
          </label>
        )}
        <label class="field">
          <span>{account ? 'New password' : 'Password'}</span>
          <input name="password" type="password" autocomplete="new-password" minLength={12} required={!account} />
          <small class="muted">At least 12 characters.{account && ' Empty: it stays as it is.'}</small>
        </label>
        <RoleBoxes has={account ? account.roles : ['viewer']} />
        <div class="actions">
          <button class="primary" disabled={busy}>
            {account ? 'Save' : 'Make the account'}
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function RemoveDialog({ account, ...props }: Required<DialogProps>) {
  const send = async () => {
    const r = await ask(api.DELETE('/api/v1/admins/{username}', { params: { path: { username: account.username } } }));
    return r.status === 204 || r.status === 404 ? null : (r.error ?? '');
  };
  return (
    <Confirm title={`Remove ${account.username}?`} act="Remove the account" send={send} {...props}>
      <p>The account goes and its sessions end at once. What it did stays in the audit trail.</p>
    </Confirm>
  );
}

interface RowProps {
  account: Schemas['Admin'];
  onEdit: () => void;
  onDisable: () => void;
  onRemove: () => void;
}

function AccountRow({ account: a, onEdit, onDisable, onRemove }: RowProps) {
  const self = a.username === session.value?.username;
  return (
    <tr>
      <td data-label="Account">
        <span>
          <strong>{shown(a.username)}</strong>
          {self && <span class="tag good">you</span>}
        </span>
      </td>
      <td data-label="Roles" class="grow">
        {a.roles.join(', ')}
      </td>
      <td data-label="Last sign-in">
        <Time iso={a.last_login_at} />
      </td>
      <td data-label="State">{a.disabled ? <span class="tag warn">disabled</span> : 'active'}</td>
      <td>
        <div class="actions">
          <button type="button" aria-label={`Change ${a.username}`} onClick={onEdit}>
            {'Change\u2026'}
          </button>
          {!self && (
            <>
              <button type="button" aria-label={`${a.disabled ? 'Enable' : 'Disable'} ${a.username}`} onClick={onDisable}>
                {a.disabled ? 'Enable' : 'Disable'}
              </button>
              <button type="button" class="danger" aria-label={`Remove ${a.username}`} onClick={onRemove}>
                {'Remove\u2026'}
              </button>
            </>
          )}
        </div>
      </td>
    </tr>
  );
}

type Open = { kind: 'new' } | { kind: 'edit' | 'remove'; account: Schemas['Admin'] };

export function AdminsPage() {
  const [items, setItems] = useState<Schemas['Admin'][]>();
  const [error, setError] = useState('');
  const [open, setOpen] = useState<Open>();
  const load = async () => {
    const r = await ask(api.GET('/api/v1/admins'));
    if (r.data) setItems(r.data.items);
    else setError(r.error ?? '');
  };
  const disable = async (a: Schemas['Admin']) => {
    const r = await ask(api.PATCH('/api/v1/admins/{username}', { params: { path: { username: a.username } }, body: { disabled: !a.disabled } }));
    setError(r.error ?? '');
    void load();
  };
  useEffect(() => void load(), []);
  const close = () => setOpen(undefined);
  const done = () => {
    close();
    setError('');
    void load();
  };
  return (
    <section class="page">
      <header class="page-head">
        <h1>Accounts</h1>
        <button type="button" class="primary" onClick={() => setOpen({ kind: 'new' })}>
          {'New account\u2026'}
        </button>
      </header>
      {error && <Alert>{error}</Alert>}
      {!items && !error && <Loading what="accounts" />}
      {items && (
        <table class="rows cards-narrow">
          <caption class="hidden">Accounts</caption>
          <thead>
            <tr>
              <th scope="col">Account</th>
              <th scope="col">Roles</th>
              <th scope="col">Last sign-in</th>
              <th scope="col">State</th>
              <th scope="col">
                <span class="hidden">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {items.map((a) => (
              <AccountRow
                key={a.username}
                account={a}
                onEdit={() => setOpen({ kind: 'edit', account: a })}
                onDisable={() => void disable(a)}
                onRemove={() => setOpen({ kind: 'remove', account: a })}
              />
            ))}
          </tbody>
        </table>
      )}
      {open?.kind === 'new' && <AccountDialog onClose={close} onDone={done} />}
      {open?.kind === 'edit' && <AccountDialog account={open.account} onClose={close} onDone={done} />}
      {open?.kind === 'remove' && <RemoveDialog account={open.account} onClose={close} onDone={done} />}
    </section>
  );
}
