import { useState } from 'preact/hooks';
import { api, ask, type Session } from '../api/client';
import { begin, needsSetup, notice } from '../app/session';
import { go, place } from '../app/router';
import { Alert } from '../components/parts';

function Mark() {
  return (
    <div class="mark">
      <img src="/favicon.svg" alt="" width="40" height="40" />
      <h1>Haward</h1>
      <p class="muted">Who did what, through which service, and were they allowed</p>
    </div>
  );
}

function Field(props: { label: string; name: string; type?: string; autocomplete: string; minLength?: number; hint?: string }) {
  return (
    <label class="field">
      <span>{props.label}</span>
      <input
        name={props.name}
        type={props.type ?? 'text'}
        autocomplete={props.autocomplete}
        minLength={props.minLength}
        autocapitalize="none"
        spellcheck={false}
        required
      />
      {props.hint && <small class="muted">{props.hint}</small>}
    </label>
  );
}

// Runs a form's action once at a time and shows what went wrong.
function useSubmit(action: (data: FormData) => Promise<{ data?: Session; error?: string }>) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState('');
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    setBusy(true);
    setError('');
    const result = await action(new FormData(form));
    setBusy(false);
    if (result.data) begin(result.data);
    else setError(result.error ?? 'That did not work.');
  };
  return { busy, error, submit };
}

function SignIn() {
  const { busy, error, submit } = useSubmit((data) =>
    ask(
      api.POST('/api/v1/session', {
        body: { username: String(data.get('username')), password: String(data.get('password')) },
      }),
    ),
  );
  return (
    <form class="card" onSubmit={submit}>
      <h2>Sign in</h2>
      {notice.value && <Alert tone="info">{notice.value}</Alert>}
      {error && <Alert>{error}</Alert>}
      <Field label="Account" name="username" autocomplete="username" />
      <Field label="Password" name="password" type="password" autocomplete="current-password" />
      <button class="primary" disabled={busy}>
        {busy ? 'Signing in\u2026' : 'Sign in'}
      </button>
    </form>
  );
}

function Setup({ token }: { token: string }) {
  const { busy, error, submit } = useSubmit(async (data) => {
    if (data.get('password') !== data.get('again')) return { error: 'The two passwords differ.' };
    const result = await ask(
      api.POST('/api/v1/setup', {
        body: { token, username: String(data.get('username')), password: String(data.get('password')) },
      }),
    );
    if (result.data) go('/decisions', true);
    return result;
  });
  return (
    <form class="card" onSubmit={submit}>
      <h2>Make the first account</h2>
      <p class="muted">This link works once. The account gets the role admin; it can make others.</p>
      {error && <Alert>{error}</Alert>}
      <Field label="Account" name="username" autocomplete="username" />
      <Field
        label="Password"
        name="password"
        type="password"
        autocomplete="new-password"
        minLength={12}
        hint="At least 12 characters."
      />
      <Field label="Password again" name="again" type="password" autocomplete="new-password" minLength={12} />
      <button class="primary" disabled={busy}>
        {busy ? 'Making the account\u2026' : 'Make the account'}
      </button>
    </form>
  );
}

function SetupElsewhere() {
  return (
    <div class="card">
      <h2>Nobody can sign in yet</h2>
      <p>
        The agent printed a one-time link when it started; it is in its log as <code>event=setup_link</code>. Open it to
        make the first account. A new one: <code>haward admin setup-link --data DIR</code>.
      </p>
    </div>
  );
}

export function SignInPage() {
  const token = place.value.path === '/setup' ? (new URLSearchParams(location.hash.slice(1)).get('token') ?? '') : '';
  return (
    <main class="door">
      <Mark />
      {token ? <Setup token={token} /> : needsSetup.value ? <SetupElsewhere /> : <SignIn />}
    </main>
  );
}
