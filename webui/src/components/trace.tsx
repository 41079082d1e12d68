import type { ComponentChildren } from 'preact';
import type { Schemas } from '../api/client';
import { shown } from '../lib/text';

type Trace = Schemas['Trace'];
type Policy = Schemas['TracePolicy'];
type Rule = Schemas['TraceRule'];
type Condition = Schemas['TraceCondition'];

const notFor: Record<string, string> = { another_service: 'for another service', disabled: 'disabled', no_rules: 'has no rules' };
const unknown: Record<string, string> = { not_told: 'HAProxy did not tell it', not_recorded: 'not recorded' };

function Mark({ result }: { result: string }) {
  const good = result === 'matched';
  return (
    <span class={good ? 'mark-good' : 'mark-bad'} role="img" aria-label={good ? 'matched' : 'failed'}>
      {good ? '\u2713' : '\u2715'}
    </span>
  );
}

function Step({ result, label, value, expected, children }: { result: string; label: string; value: ComponentChildren; expected?: string | null; children?: ComponentChildren }) {
  return (
    <li>
      <Mark result={result} /> <code>{shown(label, 200)}</code>
      <dl class="pair">
        {expected && (
          <>
            <dt>wanted</dt>
            <dd>
              <code>{shown(expected, 300)}</code>
            </dd>
          </>
        )}
        <dt>got</dt>
        <dd>{value}</dd>
        {children}
      </dl>
    </li>
  );
}

function ConditionStep({ c }: { c: Condition }) {
  const value = c.known && c.known !== 'yes' ? <em>{unknown[c.known]}</em> : <code>{shown(c.value, 300) || 'nothing'}</code>;
  return (
    <Step result={c.result} label={c.condition} value={value} expected={c.negated ? `not ${c.expected ?? ''}` : c.expected}>
      {(c.compared_with ?? []).map((other) => (
        <>
          <dt>{shown(other.name)}</dt>
          <dd>
            <code>{shown(other.value, 300) || 'nothing'}</code>
          </dd>
        </>
      ))}
    </Step>
  );
}

function Conditions({ list }: { list: Condition[] }) {
  return (
    <ul class="steps">
      {list.map((c, i) => (
        <ConditionStep key={i} c={c} />
      ))}
    </ul>
  );
}

// One of the list has to match; a single one needs no heading of its own.
function Alternatives({ name, list }: { name: string; list: Schemas['TraceAlternative'][] }) {
  if (list.length < 2) return <Conditions list={list.flatMap((one) => one.conditions)} />;
  return (
    <>
      {list.map((one, i) => (
        <div key={i}>
          <p>
            <Mark result={one.result} /> {name} {i + 1} of {list.length}, of which one has to match
          </p>
          <Conditions list={one.conditions} />
        </div>
      ))}
    </>
  );
}

function ExpressionStep({ e }: { e: Schemas['TraceExpression'] }) {
  return (
    <ul class="steps">
      <Step
        result={e.result}
        label="condition"
        expected={e.expected}
        value={
          <>
            <code>{shown(e.value, 300)}</code> {e.note && <em>{e.note}</em>}
          </>
        }
      >
        {e.reads.map((read) => (
          <>
            <dt>{shown(read.name)}</dt>
            <dd>{read.hidden ? <em>hidden</em> : read.error ? <em>{shown(read.error, 200)}</em> : <code>{shown(JSON.stringify(read.value), 300)}</code>}</dd>
          </>
        ))}
      </Step>
    </ul>
  );
}

function RuleTree({ rule }: { rule: Rule }) {
  const a = rule.authentication;
  return (
    <div class="traced">
      <p>
        <Mark result={rule.result} /> <code>{shown(rule.rule)}</code> {rule.decided && <span class="tag good">decided</span>}
        {rule.failed && (
          <>
            {' '}
            failed at <code>{shown(rule.failed, 200)}</code>
          </>
        )}
      </p>
      <Alternatives name="Operation" list={rule.to} />
      <Conditions list={rule.when} />
      <Alternatives name="Source" list={rule.from} />
      {a && (
        <ul class="steps">
          <Step result={a.result} label={a.condition} expected={a.expected} value={<code>{shown(a.value, 300) || 'nothing'}</code>} />
        </ul>
      )}
      {rule.expression && <ExpressionStep e={rule.expression} />}
    </div>
  );
}

function PolicyTree({ policy }: { policy: Policy }) {
  const decided = policy.rules.some((rule) => rule.decided);
  return (
    <li>
      <details open={decided}>
        <summary>
          <Mark result={policy.result} /> <strong>{shown(policy.policy)}</strong> {policy.action}
          {decided && <span class="tag good">decided</span>}
          {!policy.in_force && <span class="tag">{policy.mode === 'enforce' ? 'shadow for this caller' : policy.mode}</span>}
        </summary>
        {policy.rules.map((rule) => (
          <RuleTree key={rule.rule} rule={rule} />
        ))}
      </details>
    </li>
  );
}

function Roles({ trace }: { trace: Trace }) {
  if (!trace.roles?.length) return null;
  return (
    <p>
      Roles:{' '}
      {trace.roles.map((r, i) => (
        <>
          {i > 0 && ', '}
          {shown(r.role)} <code>{shown(r.binding)}</code>
          {!r.sure && ' (perhaps)'}
        </>
      ))}
    </p>
  );
}

function Limits({ trace }: { trace: Trace }) {
  if (!trace.limits?.length) return null;
  return (
    <p>
      Counts to:{' '}
      {trace.limits.map((l, i) => (
        <>
          {i > 0 && ', '}
          {shown(l.limit)} ({shown(l.expected)}
          {l.shadow && ', shadow'})
        </>
      ))}
    </p>
  );
}

// Every policy that was considered, in the order of judging, and every condition with what it saw.
export function TraceTree({ trace }: { trace: Trace }) {
  if (!trace.judged) return <p class="muted">Policies did not decide: {shown(trace.text)}.</p>;
  const applied = (trace.policies ?? []).filter((p) => !p.not_for);
  const others = (trace.policies ?? []).filter((p) => p.not_for);
  return (
    <div class="trace">
      <Roles trace={trace} />
      <Limits trace={trace} />
      {!trace.winner && <p class="muted">No policy in force matched. Where none that allows is for the service, the answer is {trace.default_action === 'ALLOW' ? 'to allow' : 'to deny'}.</p>}
      <ol class="why">
        {applied.map((p, i) => (
          <PolicyTree key={i} policy={p} />
        ))}
      </ol>
      {others.length > 0 && (
        <details>
          <summary>{others.length === 1 ? '1 policy does' : `${others.length} policies do`} not apply</summary>
          <ul class="plain-list">
            {others.map((p, i) => (
              <li key={i}>
                {shown(p.policy)} <span class="muted">{notFor[p.not_for ?? '']}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
      {(trace.left_out ?? 0) > 0 && <p class="muted">{trace.left_out} further rules and policies are left out.</p>}
    </div>
  );
}
