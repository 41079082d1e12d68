// A recorded request on its way to the Try page. In memory only: who asked for what is nothing for an address.
import { signal } from '@preact/signals';
import type { Decision, Schemas } from '../api/client';

export type TriedRequest = Schemas['EvaluationRequest'];

export const tried = signal<TriedRequest | null>(null);

// Only what was recorded; other claims of the token are not kept.
export function requestOf(d: Decision): TriedRequest {
  const claims: Record<string, unknown> = {};
  const subject = d.subject ?? d.user;
  if (d.issuer) claims['iss'] = d.issuer;
  if (subject && d.issuer) claims['sub'] = subject;
  if (d.groups?.length) claims['groups'] = d.groups;
  if (d.scopes?.length) claims['scope'] = d.scopes.join(' ');
  const text = (value?: string | null) => value || undefined;
  return {
    method: text(d.method),
    host: text(d.host),
    path: text(d.path),
    src: text(d.src),
    workload: text(d.workload),
    claims: Object.keys(claims).length ? claims : undefined,
  };
}

export function tryLink(d: Decision): void {
  tried.value = requestOf(d);
}
