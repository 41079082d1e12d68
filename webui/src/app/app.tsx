import { signal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { drop, myWork } from './draft';
import { go, onLinkClick, place } from './router';
import { singleKeys, theme, zone, type Theme } from './prefs';
import { may, resume, session, signOut } from './session';
import { zoneName } from '../lib/time';
import { Lazy } from '../components/lazy';
import { Dialog, Loading } from '../components/parts';
import { SignInPage } from '../pages/signin';
import { DecisionsPage } from '../pages/decisions';
import { DecisionPage } from '../pages/decision';
import type { Schemas } from '../api/client';

interface Page {
  path: string;
  title: string;
  role: Schemas['Role'];
  key: string; // after "g"
  view: () => JSX.Element;
}

const pages: Page[] = [
  { path: '/decisions', title: 'Decisions', role: 'viewer', key: 'd', view: () => <DecisionsPage /> },
  { path: '/policies', title: 'Policies', role: 'viewer', key: 'p', view: () => <Lazy name="policies" load={() => import('../pages/policies').then((m) => m.PoliciesPage)} /> },
  { path: '/api-keys', title: 'API keys', role: 'viewer', key: 'k', view: () => <Lazy name="API keys" load={() => import('../pages/apikeys').then((m) => m.ApiKeysPage)} /> },
  { path: '/users', title: 'Users', role: 'auditor', key: 'b', view: () => <Lazy name="users" load={() => import('../pages/users').then((m) => m.UsersPage)} /> },
  { path: '/activity', title: 'Activity', role: 'auditor', key: 'a', view: () => <Lazy name="activity" load={() => import('../pages/activity').then((m) => m.ActivityPage)} /> },
  { path: '/relations', title: 'Relations', role: 'auditor', key: 'o', view: () => <Lazy name="relations" load={() => import('../pages/relations').then((m) => m.RelationsPage)} /> },
  { path: '/sessions', title: 'Sessions', role: 'auditor', key: 'e', view: () => <Lazy name="sessions" load={() => import('../pages/sessions').then((m) => m.SessionsPage)} /> },
  { path: '/revocations', title: 'Revocations', role: 'auditor', key: 'r', view: () => <Lazy name="revocations" load={() => import('../pages/revocations').then((m) => m.RevocationsPage)} /> },
  { path: '/admins', title: 'Accounts', role: 'admin', key: 'u', view: () => <Lazy name="admins" load={() => import('../pages/admins').then((m) => m.AdminsPage)} /> },
  { path: '/system', title: 'System', role: 'viewer', key: 's', view: () => <Lazy name="system" load={() => import('../pages/system').then((m) => m.SystemPage)} /> },
];

const sheet = signal(false);
const leaving = signal(false); // signing out with work that would be lost

function visiblePages(): Page[] {
  return pages.filter((p) => p.role === 'viewer' || may(p.role));
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || !!target.shadowRoot);
}

let pending = ''; // "g" was pressed

function onKey(event: KeyboardEvent): void {
  if (!singleKeys.value || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector('dialog[open]')) return;
  const key = event.key;
  if (pending === 'g') {
    const page = visiblePages().find((p) => p.key === key);
    pending = '';
    if (page) go(page.path);
  } else if (key === 'g') {
    pending = 'g';
    setTimeout(() => (pending = ''), 1000);
  } else if (key === '?') {
    sheet.value = true;
  } else if (key === '/') {
    event.preventDefault();
    document.querySelector<HTMLInputElement>('input[type=search]')?.focus();
  }
}

function KeySheet() {
  const rows: [string, string][] = [
    ['/', 'Search'],
    ['j k', 'Next and previous row, also in the drawer'],
    ['Enter', 'Open the row'],
    ['Esc', 'Close'],
    ...visiblePages().map((p): [string, string] => [`g ${p.key}`, p.title]),
    ['?', 'This sheet'],
  ];
  return (
    <Dialog title="Keys" onClose={() => (sheet.value = false)}>
      <dl class="keys">
        {rows.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              {keys.split(' ').map((k) => (
                <kbd key={k}>{k}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <label class="check">
        <input type="checkbox" checked={singleKeys.value} onChange={(e) => (singleKeys.value = e.currentTarget.checked)} />
        <span>
          Single letters do something <span class="muted">(off: only Enter, Esc, Tab and arrows)</span>
        </span>
      </label>
    </Dialog>
  );
}

function leave(): void {
  leaving.value = false;
  drop();
  void signOut();
}

function LeaveDialog() {
  return (
    <Dialog title="Sign out?" onClose={() => (leaving.value = false)}>
      <p>The policy text you changed here is neither saved as a draft nor published. Signing out throws it away.</p>
      <div class="actions">
        <button type="button" class="danger" onClick={leave}>
          Throw it away and sign out
        </button>
        <button type="button" onClick={() => (leaving.value = false)}>
          Stay
        </button>
      </div>
    </Dialog>
  );
}

function Shell({ children }: { children: ComponentChildren }) {
  const at = place.value.path;
  return (
    <>
      <a class="skip" href="#content" onClick={(e) => { e.preventDefault(); document.getElementById('content')?.focus(); }}>
        Skip to content
      </a>
      <header class="top">
        <a class="brand" href="/decisions">
          <img src="/favicon.svg" alt="" width="22" height="22" /> Haward
        </a>
        <nav aria-label="Pages">
          {visiblePages().map((p) => (
            <a key={p.path} href={p.path} aria-current={at.startsWith(p.path) ? 'page' : undefined}>
              {p.title}
            </a>
          ))}
        </nav>
        <div class="tools">
          <button type="button" class="plain zone" aria-label={`Times are shown in ${zoneName(zone.value)}; change`} title="Times in UTC or in this browser's zone" onClick={() => (zone.value = zone.value === 'utc' ? 'local' : 'utc')}>
            {zoneName(zone.value)}
          </button>
          <label>
            <span class="hidden">Theme</span>
            <select value={theme.value} onChange={(e) => (theme.value = e.currentTarget.value as Theme)}>
              <option value="system">Auto</option>
              <option value="light">Light</option>
              <option value="dark">Dark</option>
            </select>
          </label>
          <button type="button" class="plain" aria-label="Keys" onClick={() => (sheet.value = true)}>
            ?
          </button>
          <button type="button" class="plain" title={`Signed in as ${session.value?.username ?? ''}`} onClick={() => (myWork() ? (leaving.value = true) : leave())}>
            Sign out
          </button>
        </div>
      </header>
      <main id="content" tabIndex={-1}>
        {children}
      </main>
      {sheet.value && <KeySheet />}
      {leaving.value && <LeaveDialog />}
    </>
  );
}

function View() {
  const path = place.value.path;
  if (path.startsWith('/decisions/')) return <DecisionPage id={decodeURIComponent(path.slice('/decisions/'.length))} />;
  const page = visiblePages().find((p) => path === p.path);
  if (page) return page.view();
  if (path === '/' || path === '/setup') return <DecisionsPage />;
  return (
    <div class="empty">
      <h1>Nothing is here</h1>
      <p>
        <a href="/decisions">Go to the decisions</a>
      </p>
    </div>
  );
}

export function App() {
  useEffect(() => {
    void resume();
    document.addEventListener('click', onLinkClick);
    document.addEventListener('keydown', onKey);
    return () => {
      document.removeEventListener('click', onLinkClick);
      document.removeEventListener('keydown', onKey);
    };
  }, []);
  const { path } = place.value;
  const before = useRef(path);
  // Another page: those who do not see it are told, and it begins at its top.
  useEffect(() => {
    if (before.current === path) return;
    before.current = path;
    scrollTo(0, 0);
    document.getElementById('content')?.focus({ preventScroll: true });
  }, [path]);
  // Where the pages do not fit beside each other, theirs is in view.
  useEffect(() => document.querySelector('.top nav [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' }), [path, session.value]);
  const title = pages.find((p) => place.value.path.startsWith(p.path))?.title;
  useEffect(() => {
    document.title = title ? `${title} \u2013 Haward` : 'Haward';
  }, [title]);
  if (session.value === undefined) return <Loading what="Haward" />;
  return session.value ? (
    <Shell>
      <View />
    </Shell>
  ) : (
    <SignInPage />
  );
}
