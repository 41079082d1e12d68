// The policy set most tests start from; each takes what it needs of it.
import { AUDIENCE, ISSUER } from './issuer.mjs';

export function issuerEntry(extra = {}) {
	return { name: 'tests', issuer: ISSUER, audiences: [AUDIENCE], algorithms: ['RS256'], ...extra };
}

export function policySet(issuer, policies = [readOrders()]) {
	return {
		apiVersion: 'haward/v1',
		defaultAction: 'DENY',
		issuers: [issuer],
		services: [{ name: 'orders', paths: ['/orders', '/orders/{**}'] }],
		policies,
	};
}

export function readOrders({ name = 'read-orders', methods = ['GET'], action = 'ALLOW', users = [`${ISSUER}/*`], mode } = {}) {
	return {
		name, action, services: ['orders'],
		...(mode ? { mode } : {}),
		rules: [{
			from: [{ source: { requestPrincipals: users } }],
			to: [{ operation: { methods, paths: ['/orders', '/orders/{id}'] } }],
		}],
	};
}
