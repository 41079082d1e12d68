import { useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { may } from '../app/session';
import { Confirm } from '../components/confirm';
import { More, Search } from '../components/listing';
import { Alert, Empty, Loading, Time } from '../components/parts';
import { useSearched } from '../app/searched';
import { shown } from '../lib/text';

type Session = Schemas['BrowserSession'];
type Open = { kind: 'one' | 'all'; of: Session };

interface EndProps {
  of: Session;
  onClose: () => void;
  onDone: () => void;
}

function EndDialog({ of: session, ...props }: EndProps) {
  const send = async () => {
    const r = await ask(api.DELETE('/api/v1/sessions/{id}', { params: { path: { id: session.id } } }));
    return r.status === 204 || r.status === 404 ? null : (r.error ?? '');
  };
  return (
    <Confirm title="End this session?" act="End the session" send={send} {...props}>
      <p>
        With their next request <strong>{shown(session.user, 80)}</strong> is signed out in this browser, and may sign in again.
      </p>
    </Confirm>
  );
}

function EndAllDialog({ of: { issuer, subject, user }, ...props }: EndProps) {
  const send = async () => {
    const r = await ask(api.POST('/api/v1/sessions/terminations', { body: { issuer, subject } }));
    return r.data ? null : (r.error ?? '');
  };
  return (
    <Confirm title="End all of their sessions?" act="End all of them" send={send} {...props}>
      <p>
        <strong>{shown(user, 80)}</strong> is signed out everywhere, and may sign in again. To refuse what they were given, <a href="/revocations">revoke the subject</a>.
      </p>
    </Confirm>
  );
}

function Row({ of: s, onOpen }: { of: Session; onOpen: (open: Open) => void }) {
  return (
    <tr>
      <td data-label="User" class="grow">
        <div>
          <strong title={shown(s.user, 2048)}>{shown(s.user, 80)}</strong>
          <div class="muted">
            {s.subject !== s.user && <>{shown(s.subject, 80)} &middot; </>}
            {shown(s.issuer, 80)}
          </div>
        </div>
      </td>
      <td data-label="Login" class="short">
        {shown(s.login)}
      </td>
      <td data-label="Signed in">{s.created_at ? <Time iso={s.created_at} /> : <span class="muted">not known</span>}</td>
      <td data-label="Last seen">{s.used_at ? <Time iso={s.used_at} /> : <span class="muted">not known</span>}</td>
      <td data-label="Ends">
        <span>
          <Time iso={s.idle_ends_at < s.ends_at ? s.idle_ends_at : s.ends_at} />
          {s.idle_ends_at < s.ends_at && <span class="muted"> if idle</span>}
        </span>
      </td>
      <td>
        {may('admin') && (
          <div class="actions">
            <button type="button" aria-label={`End this session of ${shown(s.user, 80)}`} onClick={() => onOpen({ kind: 'one', of: s })}>
              {'End\u2026'}
            </button>
            <button type="button" aria-label={`End all sessions of ${shown(s.user, 80)}`} onClick={() => onOpen({ kind: 'all', of: s })}>
              {'End all\u2026'}
            </button>
          </div>
        )}
      </td>
    </tr>
  );
}

function Table({ items, onOpen }: { items: Session[]; onOpen: (open: Open) => void }) {
  return (
    <table class="rows cards-narrow">
      <caption class="hidden">Who is signed in</caption>
      <thead>
        <tr>
          <th scope="col">User</th>
          <th scope="col">Login</th>
          <th scope="col">Signed in</th>
          <th scope="col">Last seen</th>
          <th scope="col">Ends</th>
          <th scope="col">
            <span class="hidden">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {items.map((one) => (
          <Row key={one.id} of={one} onOpen={onOpen} />
        ))}
      </tbody>
    </table>
  );
}

export function SessionsPage() {
  const { items, next, search, setSearch, error, load } = useSearched((q, cursor) => ask(api.GET('/api/v1/sessions', { params: { query: { q, limit: 100, cursor } } })));
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  const done = () => {
    close();
    void load();
  };
  return (
    <section class="page">
      <header class="page-head">
        <h1>Sessions</h1>
      </header>
      <p class="muted">Browsers that are signed in to services. A session that is ended here is over at once, in every worker.</p>
      <Search what="User or login" search={search} onSearch={setSearch} />
      <div class="found" aria-live="polite">
        {error && <Alert>{error}</Alert>}
        {!items && !error && <Loading what="sessions" />}
        {items?.length === 0 && !next && search && <Empty title="No session has this in it" />}
        {items?.length === 0 && !next && !search && (
          <Empty title="Nobody is signed in">
            <p>
              Sessions begin where a service has a <code>login</code>.
            </p>
          </Empty>
        )}
      </div>
      {items && items.length > 0 && <Table items={items} onOpen={setOpen} />}
      <More next={next} onMore={(cursor) => void load(cursor)} />
      {open?.kind === 'one' && <EndDialog of={open.of} onClose={close} onDone={done} />}
      {open?.kind === 'all' && <EndAllDialog of={open.of} onClose={close} onDone={done} />}
    </section>
  );
}
