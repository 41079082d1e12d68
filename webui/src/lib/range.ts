// The time range of a list: quick ones stay relative, exact ones are instants, always [from, to).
import { timeText, zoneName, type Zone } from './time';

export const quickRanges: readonly (readonly [string, string])[] = [
  ['now-15m', 'Last 15 minutes'],
  ['now-1h', 'Last hour'],
  ['now-24h', 'Last 24 hours'],
  ['now-7d', 'Last 7 days'],
  ['now-30d', 'Last 30 days'],
];

// '' for all time, the start of a quick range, or 'exact'.
export function rangeChoice(from: string, to: string): string {
  if (!from && !to) return '';
  return !to && quickRanges.some(([value]) => value === from) ? from : 'exact';
}

// What was asked in words that nobody can misread; '' when everything was.
export function rangeText(from: string | null, to: string | null, zone: Zone): string {
  if (!from && !to) return '';
  const bound = (iso: string) => timeText(iso, zone).replace(/\.000$/, '');
  const start = from ? `from ${bound(from)}` : '';
  const end = to ? `to before ${bound(to)}` : '';
  return `${[start, end].filter(Boolean).join(' ')} ${zoneName(zone)}`;
}

// Whether the bounds are the wrong way round; relative ones are the agent's to compare.
export function isBackwards(from: string, to: string): boolean {
  const [a, b] = [Date.parse(from), Date.parse(to)];
  return !Number.isNaN(a) && !Number.isNaN(b) && a >= b;
}
