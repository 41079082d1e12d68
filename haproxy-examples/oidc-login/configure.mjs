// configure.mjs POLICY DISCOVERY EDGE CLIENT_ID - the policy set with the addresses of a provider, as its discovery
// document says them; prints it. For trying out: in production, write them down.
import { readFileSync } from 'node:fs';

const [, , policyFile, discoveryFile, edge, clientId] = process.argv;
if (!clientId) {
	console.error('usage: node configure.mjs POLICY DISCOVERY EDGE CLIENT_ID');
	process.exit(2);
}
const set = JSON.parse(readFileSync(policyFile, 'utf8'));
const found = JSON.parse(readFileSync(discoveryFile, 'utf8'));
const login = set.logins[0];

Object.assign(set.issuers[0], { issuer: found.issuer, jwksUri: found.jwks_uri });
Object.assign(login, {
	hosts: [edge], clientId, authorizationEndpoint: found.authorization_endpoint, tokenEndpoint: found.token_endpoint,
});
if (found.end_session_endpoint) login.endSessionEndpoint = found.end_session_endpoint;
else delete login.endSessionEndpoint; // signing out is then from here alone
if (!process.env.OIDC_CLIENT_SECRET_FILE) delete login.clientSecretFile;
set.policies[0].rules[0].from[0].source.requestPrincipals = [`${found.issuer}/*`];
console.log(JSON.stringify(set, null, 2));
