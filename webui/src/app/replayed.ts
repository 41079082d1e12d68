// The last replay of a text that was done in this tab: publishing shows what it said, and whether it was of this text.
import { signal } from '@preact/signals';
import type { Schemas } from '../api/client';

export interface Replayed {
  text: string;
  counts: Schemas['ReplayCounts'];
  oldest: string | null;
}

export const replayed = signal<Replayed | null>(null);
