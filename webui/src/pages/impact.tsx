// What a policy set would have changed, by the decisions in the book.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { myWork } from '../app/draft';
import { zone } from '../app/prefs';
import { replayed } from '../app/replayed';
import { may } from '../app/session';
import { Alert, Loading, Time, Verdict, WhyList } from '../components/parts';
import { quickRanges } from '../lib/range';
import { count, shown } from '../lib/text';
import { timeText } from '../lib/time';
import { viewHref } from '../lib/view';

type Replay = Schemas['Replay'];
type Report = Schemas['ReplayReport'];
type Group = Schemas['ReplayGroup'];
type Change = Schemas['ReplayChange'];

const classes: [Change['class'], string, string][] = [
  ['newly_denied', 'Newly denied', 'bad'],
  ['newly_allowed', 'Newly allowed', 'good'],
  ['other_change', 'Refused in another way', 'warn'],
];

function classWord(name: Change['class']): string {
  return classes.find(([value]) => value === name)?.[1] ?? name;
}

function Tile({ n, children, tone }: { n: number; children: ComponentChildren; tone?: string }) {
  return (
    <li class={n > 0 && tone ? tone : ''}>
      <strong>{count(n)}</strong> <span>{children}</span>
    </li>
  );
}

function Headline({ report }: { report: Report }) {
  const c = report.counts;
  const changes = c.newly_denied + c.newly_allowed;
  return (
    <>
      <p class="headline">
        {c.considered === 0 ? 'No decision was recorded in this range.' : changes === 0 ? 'Nobody would be allowed or denied who was not.' : `${count(changes)} of ${count(c.considered)} decisions would be the opposite.`}
      </p>
      {report.capped && (
        <Alert tone="warn">
          There are more decisions than the {count(c.considered)} newest that were judged; the oldest of them is of <Time iso={report.oldest} />.
        </Alert>
      )}
      <ul class="tiles">
        <Tile n={c.newly_denied} tone="bad">
          newly denied
        </Tile>
        <Tile n={c.newly_allowed} tone="good">
          newly allowed
        </Tile>
        <Tile n={c.other_change} tone="warn">
          refused in another way
        </Tile>
        <Tile n={c.cannot_tell} tone="warn">
          cannot tell
        </Tile>
        <Tile n={c.unchanged}>unchanged</Tile>
        <Tile n={c.not_judged}>not made by policies</Tile>
      </ul>
      {Object.keys(report.reasons).length > 0 && (
        <details>
          <summary>Why nobody can tell, and what was not judged</summary>
          <ul>
            {Object.entries(report.reasons).map(([why, n]) => (
              <li key={why}>
                {count(n)}: {shown(why, 200)}
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function Groups({ title, none, rows }: { title: string; none: string; rows: Group[] }) {
  if (!rows.length) return null;
  return (
    <table class="rows cards-narrow groups">
      <caption>{title}</caption>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col" class="number">
            Denied
          </th>
          <th scope="col" class="number">
            Allowed
          </th>
          <th scope="col" class="number">
            Otherwise
          </th>
          <th scope="col" class="number">
            Unknown
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((g) => (
          <tr key={g.name}>
            <td data-label="Name">{shown(g.name) || <span class="muted">{none}</span>}</td>
            <td data-label="Denied" class="number">
              {count(g.newly_denied)}
            </td>
            <td data-label="Allowed" class="number">
              {count(g.newly_allowed)}
            </td>
            <td data-label="Otherwise" class="number">
              {count(g.other_change)}
            </td>
            <td data-label="Unknown" class="number">
              {count(g.cannot_tell)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function ChangeRow({ change: c }: { change: Change }) {
  return (
    <li>
      <details>
        <summary>
          <span class={`verdict ${classes.find(([name]) => name === c.class)?.[2] ?? 'warn'}`}>{classWord(c.class)}</span>{' '}
          <span class="request">
            {shown(c.method)} {shown(c.path)}
          </span>{' '}
          <span class="muted">
            {shown(c.user ?? c.workload) || 'nobody'} {c.service && <>at {shown(c.service)}</>} <Time iso={c.time} />
          </span>
        </summary>
        <div class="two">
          <div>
            <h3>It was</h3>
            <p>
              <Verdict value={c.was.verdict} /> <code>{shown(c.was.reason)}</code> {c.was.policy && <>by {shown(c.was.policy)}</>}
            </p>
            <p>
              <a href={viewHref({ open: c.id })}>The decision and its explanation</a>
            </p>
          </div>
          <div>
            <h3>It would be</h3>
            <p>
              <Verdict value={c.now.verdict} /> <code>{shown(c.now.reason)}</code> {c.now.policy && <>by {shown(c.now.policy)}</>}
            </p>
            <WhyList why={c.now.why} />
          </div>
        </div>
      </details>
    </li>
  );
}

function Changes({ report }: { report: Report }) {
  const [only, setOnly] = useState<Change['class'] | ''>('');
  const rows = report.changes.filter((c) => !only || c.class === only);
  const all = report.counts.newly_denied + report.counts.newly_allowed + report.counts.other_change;
  if (!report.changes.length) return null;
  return (
    <section aria-label="Changed decisions">
      <div class="bar">
        <h2>Changed decisions</h2>
        <div class="segments" role="group" aria-label="Which changes">
          {([['', 'All'], ...classes] as [Change['class'] | '', string][]).map(([name, word]) => (
            <button key={name} type="button" aria-pressed={only === name} onClick={() => setOnly(name)}>
              {word}
            </button>
          ))}
        </div>
      </div>
      {all > report.changes.length && <p class="muted">The {count(report.changes.length)} newest of {count(all)}. Narrow the range or the filter to see others.</p>}
      <ul class="plain-list changes">
        {rows.map((c) => (
          <ChangeRow key={c.id} change={c} />
        ))}
      </ul>
      {!rows.length && <p class="muted">None among those shown.</p>}
    </section>
  );
}

function ReportView({ report }: { report: Report }) {
  return (
    <>
      <div class="card wide">
        <h2>What would change</h2>
        <Headline report={report} />
      </div>
      <div class="tables">
        <Groups title="By policy" none="no policy" rows={report.policies} />
        <Groups title="By service" none="no service" rows={report.services} />
        {report.users && <Groups title="By user or workload" none="nobody" rows={report.users} />}
      </div>
      <Changes report={report} />
    </>
  );
}

function Progress({ replay, onCancel }: { replay: Replay; onCancel: () => void }) {
  return (
    <div class="card wide" role="status">
      <h2>{replay.state === 'waiting' ? 'Waiting for its turn' : 'Judging recorded decisions'}</h2>
      <p>
        {count(replay.considered)} decisions so far
        {replay.reached && <>, back to {timeText(replay.reached, zone.value)}</>}
      </p>
      <button type="button" onClick={onCancel}>
        Cancel
      </button>
    </div>
  );
}

// The text under work, or the saved draft, or what is in force when there is neither.
function useText(): { text?: string; what: string } {
  const [saved, setSaved] = useState<string>();
  const [inForce, setInForce] = useState<string>();
  useEffect(() => {
    void ask(api.GET('/api/v1/policy-set/draft')).then((r) => setSaved(r.data?.text));
    void ask(api.GET('/api/v1/policy-set')).then((r) => setInForce(r.data?.text));
  }, []);
  const mine = myWork()?.text;
  if (mine !== undefined) return { text: mine, what: 'your changed text' };
  return saved === undefined ? { text: inForce, what: 'the policy set in force' } : { text: saved, what: 'the draft' };
}

export function Impact() {
  const { text, what } = useText();
  const [replay, setReplay] = useState<Replay>();
  const [judged, setJudged] = useState('');
  const [error, setError] = useState('');
  const gone = useRef(false);
  useEffect(() => () => void (gone.current = true), []);

  const follow = async (id: string, judgedText: string) => {
    while (!gone.current) {
      const r = await ask(api.GET('/api/v1/replays/{id}', { params: { path: { id } } }));
      if (gone.current) return;
      if (!r.data) {
        setReplay(undefined);
        return setError(r.error ?? '');
      }
      setReplay(r.data);
      if (r.data.report) replayed.value = { text: judgedText, counts: r.data.report.counts, oldest: r.data.report.oldest };
      if (!['waiting', 'running'].includes(r.data.state)) return;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  };
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (text === undefined) return;
    const data = new FormData(event.currentTarget as HTMLFormElement);
    const of = (name: string) => String(data.get(name) ?? '').trim() || undefined;
    setError('');
    setReplay(undefined);
    const r = await ask(api.POST('/api/v1/replays', { body: { text, from: of('from'), q: of('q') } }));
    if (!r.data) {
      const at = r.problem?.errors?.[0];
      return setError(at?.pointer?.startsWith('/') && at.pointer !== '/q' && at.line ? `Line ${at.line}, column ${at.column}: ${at.message}` : (r.error ?? ''));
    }
    setJudged(text);
    setReplay(r.data);
    void follow(r.data.id, text);
  };
  const cancel = () => replay && void api.DELETE('/api/v1/replays/{id}', { params: { path: { id: replay.id } } });
  const runs = replay?.state === 'waiting' || replay?.state === 'running';
  return (
    <div class="impact">
      <form class="card wide" onSubmit={submit}>
        <h2>Replay</h2>
        <p class="muted">
          Recorded decisions are judged again by {what}. Nothing is recorded, and nothing in force changes.
          {!may('auditor') && ' Without the role auditor you see no people.'}
        </p>
        {error && <Alert>{error}</Alert>}
        <div class="row">
          <label class="field">
            <span>Decisions of the</span>
            <select name="from">
              {quickRanges.map(([value, word]) => (
                <option key={value} value={value} selected={value === 'now-7d'}>
                  {word}
                </option>
              ))}
              <option value="">Whole book</option>
            </select>
          </label>
          <label class="field grow">
            <span>Filter, as on the Decisions page</span>
            <input name="q" placeholder="service:orders -method:GET" spellcheck={false} />
          </label>
        </div>
        <button class="primary" disabled={runs || text === undefined}>
          {runs ? 'Replaying\u2026' : 'Replay'}
        </button>
      </form>
      {text === undefined && !error && <Loading what="the policy set" />}
      {replay && runs && <Progress replay={replay} onCancel={cancel} />}
      {replay?.state === 'cancelled' && <Alert tone="info">Cancelled.</Alert>}
      {replay?.state === 'failed' && <Alert>The book could not be read to its end. The log of the agent says why.</Alert>}
      {replay?.report && text !== judged && <Alert tone="warn">The text was changed since this replay.</Alert>}
      {replay?.report && <ReportView report={replay.report} />}
    </div>
  );
}
