// What may stand at a place of a policy set, by its JSON schema: for the editor's completion.
export type Schema = Record<string, unknown>;
export type Path = (string | number)[];

export interface Member {
  name: string;
  description: string;
  required: boolean;
  kind: string; // what its value begins with: { [ " or nothing
}

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null && !Array.isArray(value);

// Itself and all that it is made of; what it must not be says nothing about what it may be.
function parts(root: Schema, schema: unknown, depth = 0): Schema[] {
  if (!isSchema(schema) || depth > 16) return [];
  const found = [schema];
  const ref = schema.$ref;
  if (typeof ref === 'string' && ref.startsWith('#/')) {
    let at: unknown = root;
    for (const name of ref.slice(2).split('/')) at = isSchema(at) ? at[name] : undefined;
    found.push(...parts(root, at, depth + 1));
  }
  for (const word of ['allOf', 'anyOf', 'oneOf']) {
    for (const one of (schema[word] as unknown[] | undefined) ?? []) found.push(...parts(root, one, depth + 1));
  }
  return found;
}

export function schemasAt(root: Schema, path: Path): Schema[] {
  let here = parts(root, root);
  for (const step of path) {
    here = here.flatMap((schema) => {
      const properties = isSchema(schema.properties) ? schema.properties : {};
      const next = typeof step === 'number' ? schema.items : (properties[step] ?? schema.additionalProperties);
      return parts(root, next);
    });
  }
  return here;
}

function opening(root: Schema, schema: unknown): string {
  const types = parts(root, schema).map((one) => one.type);
  if (types.includes('object')) return '{';
  if (types.includes('array')) return '[';
  return types.includes('string') || parts(root, schema).some((one) => Array.isArray(one.enum)) ? '"' : '';
}

export function members(root: Schema, path: Path): Member[] {
  const found = new Map<string, Member>();
  const at = schemasAt(root, path);
  const required = new Set(at.flatMap((schema) => (Array.isArray(schema.required) ? (schema.required as string[]) : [])));
  for (const schema of at) {
    for (const [name, value] of Object.entries(isSchema(schema.properties) ? schema.properties : {})) {
      if (found.has(name)) continue;
      const description = parts(root, value).find((one) => typeof one.description === 'string')?.description;
      found.set(name, { name, description: (description as string | undefined) ?? '', required: required.has(name), kind: opening(root, value) });
    }
  }
  return [...found.values()];
}

// The texts that the value may be, where they are counted.
export function values(root: Schema, path: Path): string[] {
  const found = schemasAt(root, path).flatMap((schema) => [...((schema.enum as unknown[] | undefined) ?? []), ...('const' in schema ? [schema.const] : [])]);
  return [...new Set(found.filter((value): value is string => typeof value === 'string'))];
}

// What conditions may say, as the agent tells it.
export interface Conditions {
  names: { name: string; type: string; does: string }[];
  functions: { name: string; args: string; result: string; does: string; receiver: boolean }[];
}

export interface Word {
  text: string; // that is put there
  detail: string;
  info: string;
}

// path.<name> of the paths that stand in the text.
function captures(text: string): Word[] {
  const names = new Set([...text.matchAll(/\{([A-Za-z_]\w*)(?:=\*+)?\}/g)].map((m) => m[1] ?? ''));
  return [...names].filter((name) => !['user', 'client', 'workload'].includes(name)).map((name) => ({ text: `path.${name}`, detail: 'string', info: `what {${name}} of the path stands for` }));
}

// before: of the condition, up to the cursor. from: how much of it the word that is being written takes.
export function conditionWords(all: Conditions, before: string, text: string): { typed: string; words: Word[] } {
  const typed = /[A-Za-z_][\w.]*$/.exec(before)?.[0] ?? '';
  const called = /(?:[)\]"']|\w)\s*\.\s*([A-Za-z_]\w*)?$/.exec(before);
  const isName = all.names.some((one) => one.name.startsWith(typed));
  const overloads = new Set<string>();
  const functions = (receiver: boolean) =>
    all.functions
      .filter((one) => one.receiver === receiver && !overloads.has(one.name) && overloads.add(one.name))
      .map((one) => ({ text: one.name, detail: `(${one.args}) ${one.result}`, info: one.does }));
  if (called && !(typed.includes('.') && isName)) return { typed: called[1] ?? '', words: functions(true) };
  return { typed, words: [...all.names.map((one) => ({ text: one.name, detail: one.type, info: one.does })), ...captures(text), ...functions(false)] };
}
