// What two policy sets say differently, by name; the agent compares them.
import { useEffect, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { shown } from '../lib/text';
import { Alert, Loading } from './parts';

type Change = Schemas['DiffChange'];
type Field = Schemas['DiffField'];

const words = { added: 'Added', removed: 'Removed', changed: 'Changed', reordered: 'In another order' };
const kinds: Record<string, string> = { policies: 'policy', roles: 'role', services: 'service', issuers: 'issuer', logins: 'login', trustDomains: 'trust domain' };
const most = 200; // changes

function Value({ sign, value }: { sign: '+' | '\u2212'; value: unknown }) {
  const word = sign === '+' ? 'now ' : 'before ';
  return (
    <code class={sign === '+' ? 'plus' : 'minus'}>
      <span aria-hidden="true">{sign}</span>
      <span class="hidden">{word}</span>
      {shown(JSON.stringify(value), 400)}
    </code>
  );
}

function FieldRow({ field, below }: { field: Field; below: string }) {
  const place = field.to ?? field.from ?? '';
  return (
    <li>
      <span class="muted">{shown(place.startsWith(below) ? place.slice(below.length) : place)}</span> {field.removed?.map((v, i) => <Value key={i} sign={'\u2212'} value={v} />)}
      {field.added?.map((v, i) => <Value key={i} sign="+" value={v} />)}
      {!field.added && field.from !== null && <Value sign={'\u2212'} value={field.old} />}
      {!field.added && field.to !== null && <Value sign="+" value={field.new} />}
    </li>
  );
}

function Effect({ effect }: { effect: Change['effect'] }) {
  if (effect === 'wider') return <span class="tag">grants more</span>;
  if (effect === 'narrower') return <span class="tag good">grants less</span>;
  return effect === 'none' ? <span class="muted">grants no more and no less</span> : null;
}

function One({ change }: { change: Change }) {
  const isWhole = change.change === 'added' || change.change === 'removed';
  return (
    <li>
      {words[change.change]}: {change.name ? (kinds[change.member] ?? change.member) : ''} <strong>{shown(change.name ?? change.member)}</strong> <Effect effect={change.effect} />
      {!isWhole && change.fields.length > 0 && (
        <ul>
          {change.fields.slice(0, most).map((field, i) => (
            <FieldRow key={i} field={field} below={(field.to ? change.to : change.from) ?? ''} />
          ))}
        </ul>
      )}
    </li>
  );
}

interface ChangesProps {
  from?: string; // a version, 'current' or 'draft'
  to?: string;
  text?: string; // instead of to
}

export function Changes({ from, to, text }: ChangesProps) {
  const [diff, setDiff] = useState<Schemas['PolicyDiff']>();
  const [error, setError] = useState('');
  useEffect(() => {
    setDiff(undefined);
    setError('');
    const asked =
      text === undefined
        ? ask(api.GET('/api/v1/policy-set/diff', { params: { query: { from, to } } }))
        : ask(api.POST('/api/v1/policy-set/diff', { body: { text, from: from ?? 'current' } }));
    void asked.then((r) => (r.data ? setDiff(r.data) : setError(r.error ?? '')));
  }, [from, to, text]);
  if (error) return <Alert>{error}</Alert>;
  if (!diff) return <Loading what="the changes" />;
  if (!diff.changes.length) return <p class="muted">Nothing is decided otherwise: only order or layout differs, if anything.</p>;
  return (
    <section class="differences" aria-label="What changes">
      <ul>
        {diff.changes.slice(0, most).map((change) => (
          <One key={`${change.member}/${change.name ?? ''}/${change.change}`} change={change} />
        ))}
      </ul>
      {diff.changes.length > most && <p class="muted">The first {most} changes are shown.</p>}
    </section>
  );
}
