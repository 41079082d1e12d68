// Everything shown comes from strangers: control and direction characters are made visible, long values cut.
const hidden =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\u{e0000}-\u{e0fff}]/gu;

export function visible(text: string): string {
  return text.replace(hidden, (c) => `\u27e8U+${(c.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}\u27e9`);
}

export function cut(text: string, max = 120): string {
  if (text.length <= max) return text;
  const end = /[\ud800-\udbff]/.test(text.charAt(max - 2)) ? max - 2 : max - 1; // no half of a character
  return `${text.slice(0, end)}\u2026`;
}

export function shown(value: unknown, max = 120): string {
  if (value === null || value === undefined || value === '') return '';
  return cut(visible(String(value)), max);
}

export function bytes(n: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let i = 0;
  let value = n;
  for (; Math.round(value) >= 1024 && i < units.length - 1; i++) value /= 1024;
  return `${value < 9.95 && i > 0 ? value.toFixed(1) : Math.round(value)} ${units[i]}`;
}

export function count(n: number): string {
  return new Intl.NumberFormat('en').format(n);
}
