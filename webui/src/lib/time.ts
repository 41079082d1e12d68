// Times are UTC on the wire. On the screen they are UTC or local, 24 hours, and always say which.
export type Zone = 'utc' | 'local';

export function zoneName(zone: Zone): string {
  return zone === 'utc' ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: Zone): Intl.DateTimeFormat {
  let made = formats.get(zone);
  if (!made) {
    made = new Intl.DateTimeFormat('en-CA', {
      timeZone: zone === 'utc' ? 'UTC' : undefined,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      fractionalSecondDigits: 3,
      hourCycle: 'h23',
    });
    formats.set(zone, made);
  }
  return made;
}

export function timeText(iso: string, zone: Zone): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  const parts = format(zone).formatToParts(at);
  const of = (type: string) => parts.find((p) => p.type === type)?.value ?? '';
  return `${of('year')}-${of('month')}-${of('day')} ${of('hour')}:${of('minute')}:${of('second')}.${of('fractionalSecond')}`;
}

const relative = /^now(-\d{1,5}[smhdw])?$/;
const absolute = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2})(?::(\d{2})(\.\d{1,6})?)?)?$/;

export type Typed = { value: string } | { error: string };

// What a person types for a bound: nothing, now-90m, a date, a date and time of the zone, or RFC 3339 with its own.
export function parseTyped(text: string, zone: Zone): Typed {
  const typed = text.trim();
  if (typed === '' || relative.test(typed)) return { value: typed };
  const parts = absolute.exec(typed);
  if (!parts) {
    const at = /^\d{4}-\d{2}-\d{2}T.*(?:Z|[+-]\d{2}:\d{2})$/i.test(typed) ? new Date(typed) : null;
    return at && !Number.isNaN(at.getTime()) ? { value: at.toISOString() } : { error: 'Write it as 2026-03-01 14:30:00, or as now-90m.' };
  }
  const written = `${parts[1]} ${parts[2] ?? '00:00'}:${parts[3] ?? '00'}${(parts[4] ?? '.000').slice(0, 4).padEnd(4, '0')}`;
  const at = new Date(`${written.replace(' ', 'T')}${zone === 'utc' ? 'Z' : ''}`);
  // 30 February, and the hour that a change of the clocks leaves out, come back as another time.
  if (Number.isNaN(at.getTime()) || timeText(at.toISOString(), zone) !== written) return { error: `There is no such time in ${zoneName(zone)}.` };
  return { value: at.toISOString() };
}

// The same, the other way: what the field shows for a bound of the URL.
export function typedText(value: string, zone: Zone): string {
  if (value === '' || relative.test(value)) return value;
  return timeText(value, zone).replace(/\.000$/, '');
}

export function spanText(seconds: number): string {
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor((seconds % 86400) / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const parts = [days && `${days} d`, hours && `${hours} h`, minutes && `${minutes} min`].filter(Boolean);
  return parts.length ? parts.join(' ') : `${Math.floor(seconds)} s`;
}
