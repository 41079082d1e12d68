import { useEffect, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { session } from '../app/session';
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

function AddDialog({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [error, setError] = useState('');
  const add = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const r = await ask(
      api.POST('/api/v1/admins', {
        body: {
          username: String(form.get('username')),
          password: String(form.get('password')),
          roles: form.getAll('role') as Role[],
        },
      }),
    );
    if (r.data) onDone();
    else setError(r.problem?.errors?.map((e) => e.message).join(' ') || (r.error ?? ''));
  };
  return (
    <Dialog title="New account" onClose={onClose}>
      <form onSubmit={add}>
        {error && <Alert>{error}</Alert>}
        <label class="field">
          <span>Account</span>
          <input name="username" autocomplete="off" spellcheck={false} required />
        </label>
        <label class="field">
          <span>Password</span>
          <input name="password" type="password" autocomplete="new-password" minLength={12} required />
          <small class="muted">At least 12 characters.</small>
        </label>
        <fieldset>
          <legend>Roles</legend>
          {roles.map(([role, what]) => (
            <label key={role} class="check">
              <input type="checkbox" name="role" value={role} defaultChecked={role === 'viewer'} />
              <span>
                <strong>{role}</strong> <span class="muted">{what}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <div class="actions">
          <button class="primary">Make the account</button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}

export function AdminsPage() {
  const [items, setItems] = useState<Schemas['Admin'][]>();
  const [error, setError] = useState('');
  const [adding, setAdding] = useState(false);
  const load = async () => {
    const r = await ask(api.GET('/api/v1/admins'));
    if (r.data) setItems(r.data.items);
    else setError(r.error ?? '');
  };
  const change = async (call: Promise<{ error?: string }>) => {
    const r = await call;
    setError(r.error ?? '');
    void load();
  };
  useEffect(() => void load(), []);
  return (
    <section class="page">
      <header class="page-head">
        <h1>Accounts</h1>
        <button type="button" class="primary" onClick={() => setAdding(true)}>
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
            {items.map((a) => {
              const path = { params: { path: { username: a.username } } };
              const self = a.username === session.value?.username;
              return (
                <tr key={a.username}>
                  <td data-label="Account">
                    <strong>{shown(a.username)}</strong>
                    {self && <span class="tag">you</span>}
                  </td>
                  <td data-label="Roles" class="grow">
                    {a.roles.join(', ')}
                  </td>
                  <td data-label="Last sign-in">
                    <Time iso={a.last_login_at} />
                  </td>
                  <td data-label="State">{a.disabled ? 'disabled' : 'active'}</td>
                  <td>
                    <div class="actions">
                      {!self && (
                        <button type="button" onClick={() => void change(ask(api.PATCH('/api/v1/admins/{username}', { ...path, body: { disabled: !a.disabled } })))}>
                          {a.disabled ? 'Enable' : 'Disable'}
                        </button>
                      )}
                      {!self && (
                        <button
                          type="button"
                          class="danger"
                          onClick={() => {
                            if (confirm(`Remove the account ${a.username}? Its sessions end at once.`))
                              void change(ask(api.DELETE('/api/v1/admins/{username}', path)));
                          }}
                        >
                          Remove
                        </button>
                      )}
                    </div>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
      {adding && (
        <AddDialog
          onClose={() => setAdding(false)}
          onDone={() => {
            setAdding(false);
            void load();
          }}
        />
      )}
    </section>
  );
}
