import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Alert, Loading } from './parts';

const loaded = new Map<string, ComponentType>();

// A page whose code comes when it is first shown. After an update of the agent the old names are gone: then only a
// reload helps.
export function Lazy({ name, load }: { name: string; load: () => Promise<ComponentType> }) {
  const [, setState] = useState(0);
  const [failed, setFailed] = useState(false);
  const Page = loaded.get(name);
  useEffect(() => {
    if (loaded.has(name)) return;
    setFailed(false);
    load().then(
      (page) => {
        loaded.set(name, page);
        setState((n) => n + 1);
      },
      () => setFailed(true),
    );
  }, [name]);
  if (Page) return <Page />;
  return (
    <div class="page">
      {failed ? (
        <Alert>
          This page could not be loaded: the agent was updated, or cannot be reached. What you were writing is kept.{' '}
          <button type="button" onClick={() => location.reload()}>
            Reload
          </button>
        </Alert>
      ) : (
        <Loading what="the page" />
      )}
    </div>
  );
}
