import { useEffect, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { myWork } from '../app/draft';
import { Alert, Empty, Loading, Verdict, WhyList } from '../components/parts';
import { count, shown } from '../lib/text';

type Result = Schemas['PolicyTestResult'];

interface Subject {
  text: string;
  what: string;
}

// What one would publish next: the text changed here, else the draft, else what is in force.
async function subject(): Promise<Subject | undefined> {
  const mine = myWork();
  if (mine) return { text: mine.text, what: 'your changed text' };
  const draft = await ask(api.GET('/api/v1/policy-set/draft'));
  if (draft.data) return { text: draft.data.text, what: 'the draft' };
  const inForce = await ask(api.GET('/api/v1/policy-set'));
  return inForce.data && { text: inForce.data.text, what: `version ${inForce.data.version}, which is in force` };
}

function wordOf(value: string | number | null): string {
  return value === null ? 'none' : String(value);
}

function ResultCard({ of: result }: { of: Result }) {
  const { decision } = result;
  return (
    <details class="card wide" open={!result.passed}>
      <summary>
        <span class={`verdict ${result.passed ? 'good' : 'bad'}`}>{result.passed ? 'passed' : 'failed'}</span> <strong>{shown(result.name, 256)}</strong>
      </summary>
      {result.differences.length > 0 && (
        <ul>
          {result.differences.map((d) => (
            <li key={d.member}>
              {d.member}: expected <code>{shown(wordOf(d.expected))}</code>, got <code>{shown(wordOf(d.got))}</code>
            </li>
          ))}
        </ul>
      )}
      <p class="headline">
        <Verdict value={decision.verdict} /> <span class="status">{decision.status}</span> <code>{shown(decision.reason)}</code>
      </p>
      <WhyList why={decision.why} />
      <p>
        <a href={`/policies?tab=source&at=${encodeURIComponent(result.pointer)}`}>Its place in the source</a>
      </p>
    </details>
  );
}

export function Tests() {
  const [of, setOf] = useState<Subject>();
  const [run, setRun] = useState<Schemas['PolicyTestRun']>();
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(true);
  const load = async () => {
    setBusy(true);
    setError('');
    const what = await subject();
    setOf(what);
    const r = what && (await ask(api.POST('/api/v1/policy-set/tests', { body: { text: what.text } })));
    setBusy(false);
    setRun(r?.data);
    const at = r?.problem?.errors?.[0];
    if (r?.error) setError(at?.line ? `Line ${at.line}, column ${at.column}: ${at.message}` : r.error);
  };
  useEffect(() => void load(), []);
  return (
    <div class="answers" aria-live="polite">
      <div class="actions">
        <button type="button" class="primary" disabled={busy} onClick={() => void load()}>
          Run again
        </button>
        {run && of && (
          <p>
            {run.failed > 0 ? (
              <strong>
                {count(run.failed)} of {count(run.items.length)} tests fail
              </strong>
            ) : (
              <strong>{count(run.passed)} passed</strong>
            )}{' '}
            <span class="muted">in {of.what}</span>
          </p>
        )}
      </div>
      {busy && !run && <Loading what="tests" />}
      {error && <Alert>{error}</Alert>}
      {run?.items.length === 0 && (
        <Empty title="There are no tests">
          <p>
            A policy set carries them in <code>tests</code>: a request, and what is expected. They are run before it is published.
          </p>
        </Empty>
      )}
      {run && [...run.items].sort((a, b) => Number(a.passed) - Number(b.passed)).map((result) => <ResultCard key={result.pointer} of={result} />)}
    </div>
  );
}
