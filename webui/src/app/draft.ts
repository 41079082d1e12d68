// The policy text that is being written, and what it started from. It is kept in this tab's storage, so that a reload or
// another page does not cost it; signing out takes it away.
import { effect, signal } from '@preact/signals';
import { session } from './session';

export interface Work {
  user: string;
  text: string;
  base: string; // version it started from; '' when there was none
  etag: string; // of that version: what publishing names
}

const name = 'policy-work';

function stored(): Work | null {
  try {
    return JSON.parse(sessionStorage.getItem(name) ?? 'null') as Work | null;
  } catch {
    return null;
  }
}

export const work = signal<Work | null>(stored());
export const isKept = signal(true); // false: the browser has no room for it

// Somebody else's work is neither shown nor kept.
export function myWork(): Work | null {
  const current = work.value;
  return current && current.user === session.value?.username ? current : null;
}

export function keep(next: Omit<Work, 'user'>): void {
  work.value = { ...next, user: session.value?.username ?? '' };
}

export function drop(): void {
  work.value = null;
}

effect(() => {
  try {
    if (work.value) sessionStorage.setItem(name, JSON.stringify(work.value));
    else sessionStorage.removeItem(name);
    isKept.value = true;
  } catch {
    sessionStorage.removeItem(name);
    isKept.value = false;
  }
});

effect(() => {
  if (session.value && work.value && work.value.user !== session.value.username) drop();
});

// The tab's storage ends with the tab.
addEventListener('beforeunload', (event) => {
  if (myWork()) event.preventDefault();
});
