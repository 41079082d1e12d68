// The admin API, typed from schema/openapi.json. Every unsafe call carries the session's CSRF token.
import createClient from 'openapi-fetch';
import type { components, paths } from './schema';

export type Schemas = components['schemas'];
export type Decision = Schemas['Decision'];
export type Problem = Schemas['Problem'];
export type Session = Schemas['Session'];
export type ValidationError = Schemas['ValidationError'];

let csrf = '';
let signedOut: () => void = () => undefined;

export function setCsrf(token: string): void {
  csrf = token;
}

export function onSignedOut(action: () => void): void {
  signedOut = action;
}

export const api = createClient<paths>({ baseUrl: '/', credentials: 'same-origin' });

api.use({
  onRequest({ request }) {
    if (request.method !== 'GET' && request.method !== 'HEAD' && csrf) request.headers.set('X-CSRF', csrf);
    return request;
  },
  onResponse({ request, response }) {
    if (response.status === 401 && !request.url.endsWith('/api/v1/session')) signedOut();
    return response;
  },
});

// What went wrong, in words for people; also when the answer is no problem document at all.
export function problemText(error: unknown, response?: Response): string {
  const problem = error as Partial<Problem> | undefined;
  if (problem?.detail) return problem.detail;
  if (problem?.title) return problem.title;
  return response ? `The agent answered with status ${response.status}.` : 'The agent cannot be reached.';
}

// Calls the API and turns a broken connection into an error like the others.
export async function ask<T>(
  call: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<{ data?: T; error?: string; problem?: Partial<Problem>; status: number; etag: string | null }> {
  try {
    const { data, error, response } = await call;
    const etag = response.headers.get('etag');
    if (response.ok) return { data, status: response.status, etag };
    return {
      error: problemText(error, response),
      problem: (error ?? {}) as Partial<Problem>,
      status: response.status,
      etag,
    };
  } catch {
    return { error: 'The agent cannot be reached. Is it running?', status: 0, etag: null };
  }
}
