// configure.mjs POLICY ISSUER EDGE CLIENT_ID - the policy set for a provider of yours; prints it. Where the provider's
// endpoints and keys are, Haward finds out by itself.
import { readFileSync } from 'node:fs';

const [, , policyFile, issuer, edge, clientId] = process.argv;
if (!clientId) {
	console.error('usage: node configure.mjs POLICY ISSUER EDGE CLIENT_ID');
	process.exit(2);
}
const set = JSON.parse(readFileSync(policyFile, 'utf8'));
const login = set.logins[0];

Object.assign(set.issuers[0], { issuer });
Object.assign(login, { hosts: [edge], clientId });
if (!process.env.OIDC_CLIENT_SECRET_FILE) delete login.clientSecretFile;
set.policies[0].rules[0].from[0].source.requestPrincipals = [`${issuer}/*`];
console.log(JSON.stringify(set, null, 2));
