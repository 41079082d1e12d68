// Everything shown comes from strangers: control and direction characters are made visible, long values cut.
const hidden = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

export function visible(text: string): string {
  return text.replace(hidden, (c) => `\u27e8U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}\u27e9`);
}

export function cut(text: string, max = 120): string {
  return text.length > max ? `${text.slice(0, max - 1)}\u2026` : text;
}

export function shown(value: unknown, max = 120): string {
  if (value === null || value === undefined || value === '') return '';
  return cut(visible(String(value)), max);
}

// A value of the query language, quoted when it has to be.
export function queryValue(text: string): string {
  return /^[^\s",:()-][^\s",()]*$/.test(text) ? text : `"${text.replace(/["\\]/g, '')}"`;
}

export function bytes(n: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let i = 0;
  let value = n;
  for (; value >= 1024 && i < units.length - 1; i++) value /= 1024;
  return `${value < 10 && i > 0 ? value.toFixed(1) : Math.round(value)} ${units[i]}`;
}

export function count(n: number): string {
  return new Intl.NumberFormat('en').format(n);
}
