// Who is signed in. The cookie is the browser's business; here are the name, the roles and the CSRF token.
import { signal } from '@preact/signals';
import { api, ask, onSignedOut, setCsrf, type Schemas, type Session } from '../api/client';

export const session = signal<Session | null | undefined>(undefined); // undefined: not known yet
export const needsSetup = signal(false);
export const notice = signal(''); // why somebody was signed out

export function begin(current: Session): void {
  setCsrf(current.csrf);
  notice.value = '';
  needsSetup.value = false;
  session.value = current;
}

export function may(role: Schemas['Role']): boolean {
  const roles = session.value?.roles ?? [];
  return roles.includes(role) || roles.includes('admin');
}

export async function resume(): Promise<void> {
  const { data } = await ask(api.GET('/api/v1/session'));
  if (data) {
    begin(data);
    return;
  }
  const setup = await ask(api.GET('/api/v1/setup'));
  needsSetup.value = setup.data?.required ?? false;
  if (setup.error) notice.value = setup.error;
  session.value = null;
}

export async function signOut(): Promise<void> {
  await ask(api.DELETE('/api/v1/session'));
  setCsrf('');
  session.value = null;
}

onSignedOut(() => {
  if (session.value) notice.value = 'Your session has ended. Please sign in again.';
  setCsrf('');
  session.value = null;
});
