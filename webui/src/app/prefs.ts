// How one person likes to see it; kept in this browser only, and nothing secret.
import { effect, signal } from '@preact/signals';
import type { Zone } from '../lib/time';

export type Theme = 'system' | 'light' | 'dark';

function stored<T extends string>(name: string, all: readonly T[], fallback: T): T {
  const value = localStorage.getItem(name) as T | null;
  return value && all.includes(value) ? value : fallback;
}

export const theme = signal<Theme>(stored('theme', ['system', 'light', 'dark'] as const, 'system'));
export const zone = signal<Zone>(stored('zone', ['utc', 'local'] as const, 'utc'));

export const singleKeys = signal(stored('keys', ['on', 'off'] as const, 'on') === 'on'); // WCAG 2.1.4: they can be off

export function applyTheme(): void {
  effect(() => {
    document.documentElement.dataset['theme'] = theme.value;
    localStorage.setItem('theme', theme.value);
  });
  effect(() => localStorage.setItem('zone', zone.value));
  effect(() => localStorage.setItem('keys', singleKeys.value ? 'on' : 'off'));
}
