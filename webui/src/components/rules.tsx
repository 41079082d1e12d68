// The rules of one policy, as people read them; what they mean is written in the source.
import { shown } from '../lib/text';

type Lists = Record<string, unknown>;

interface Relation {
  object?: string;
  relation?: string;
  subject?: string;
}

export interface Rule {
  from?: { source?: Lists }[];
  to?: { operation?: Lists }[];
  when?: { key?: string; values?: unknown; notValues?: unknown; valuesFrom?: unknown; related?: Relation; notRelated?: Relation }[];
  authentication?: unknown;
  condition?: string;
}

const most = 20; // of rules, of values: the source has them all

function list(values: unknown): string {
  const texts = (Array.isArray(values) ? values : [values]).map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
  const rest = texts.length - most;
  return shown(texts.slice(0, most).join(', '), 400) + (rest > 0 ? ` and ${rest} more` : '');
}

function All({ lists }: { lists?: Lists }) {
  const { methods, paths, ...others } = lists ?? {};
  return (
    <>
      {methods !== undefined && <strong>{list(methods)} </strong>}
      {paths !== undefined && <code>{list(paths)} </code>}
      {Object.entries(others).map(([name, values], i) => (
        <span key={name}>
          {i > 0 || methods !== undefined || paths !== undefined ? ' \u00b7 ' : ''}
          <span class="muted">{shown(name)}</span> {list(values)}
        </span>
      ))}
    </>
  );
}

// One line for each alternative.
function Part({ name, each }: { name: string; each?: (Lists | undefined)[] }) {
  if (!each?.length) return null;
  return (
    <>
      <dt>{name}</dt>
      <dd>
        {each.slice(0, most).map((lists, i) => (
          <div key={i}>
            {i > 0 && <span class="muted">or </span>}
            <All lists={lists} />
          </div>
        ))}
        {each.length > most && <div class="muted">and {each.length - most} more</div>}
      </dd>
    </>
  );
}

function Related({ relation, not }: { relation?: Relation; not?: boolean }) {
  if (!relation) return null;
  return (
    <>
      <code>{shown(relation.subject ?? 'user:{user}')}</code> is {not && 'not '}
      <code>{shown(relation.relation ?? '')}</code> of <code>{shown(relation.object ?? '')}</code>
    </>
  );
}

function When({ rule }: { rule: Rule }) {
  if (!rule.when?.length && !rule.condition && rule.authentication === undefined) return null;
  return (
    <>
      <dt>when</dt>
      <dd>
        {rule.when?.map((one, i) => (
          <div key={i}>
            <span class="muted">{shown(one.key ?? '')}</span>
            {one.values !== undefined && <> is {list(one.values)}</>}
            {one.notValues !== undefined && <> is not {list(one.notValues)}</>}
            {one.valuesFrom !== undefined && <> is that of {list(one.valuesFrom)}</>}
            <Related relation={one.related} />
            <Related relation={one.notRelated} not />
          </div>
        ))}
        {rule.authentication !== undefined && (
          <div>
            <span class="muted">signed in by</span> {list(rule.authentication)}
          </div>
        )}
        {rule.condition && <code>{shown(rule.condition, 400)}</code>}
      </dd>
    </>
  );
}

function One({ rule }: { rule: Rule }) {
  const says = Object.keys(rule).length > 0;
  return (
    <li>
      {says ? (
        <dl>
          <Part name="from" each={rule.from?.map((one) => one.source)} />
          <Part name="to" each={rule.to?.map((one) => one.operation)} />
          <When rule={rule} />
        </dl>
      ) : (
        <span class="muted">every request</span>
      )}
    </li>
  );
}

export function Rules({ rules }: { rules: Rule[] }) {
  if (!rules.length) return <p class="muted">Without a rule it never matches.</p>;
  return (
    <ol class="rules">
      {rules.slice(0, most).map((rule, i) => (
        <One key={i} rule={rule} />
      ))}
      {rules.length > most && <li class="muted">and {rules.length - most} more</li>}
    </ol>
  );
}
