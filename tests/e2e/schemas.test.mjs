// The schemas, judged by another implementation: they accept what the agent accepts (the same tables hold
// the agent's loaders to it, tests/contract) and refuse what it refuses, where a schema can tell.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { examples, root } from './support/where.mjs';

const read = (...parts) => JSON.parse(fs.readFileSync(path.join(...parts), 'utf8'));

// strict: a misspelt keyword is an error, not a rule that never applies
function judgeOf(name) {
	const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: true });
	addFormats(ajv);
	const judge = ajv.compile(read(root, 'schema', `${name}.schema.json`));
	return (document) => (judge(document) ? '' : ajv.errorsText(judge.errors));
}

for (const name of ['settings', 'policy']) {
	test(`${name}: the schema judges the cases as the agent does`, () => {
		const judge = judgeOf(name);
		const cases = read(root, 'tests/contract', `${name}-cases.json`);
		for (const { name: what, valid, document, schema } of cases) {
			const errors = judge(document);
			if (schema === 'cannot tell') assert.equal(valid, false, `${what}: only a refusal may be beyond a schema`);
			else assert.equal(errors === '', valid, `${what}: ${errors}`);
		}
		assert.ok(cases.filter((c) => c.valid).length >= 15 && cases.filter((c) => !c.valid).length >= 15);
	});
}

test('the shipped settings and policy sets are as their schemas say', () => {
	const [settings, policy] = [judgeOf('settings'), judgeOf('policy')];
	assert.equal(settings(read(root, 'agent/packaging/haward.json.in')), '', 'the package');
	for (const example of ['quickstart', 'api-keys', 'mtls', 'basic']) {
		assert.equal(settings(read(examples, example, 'haward.json')), '', example);
		assert.equal(policy(read(examples, example, 'policy.json')), '', example);
	}
});
