import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Alert, Dialog } from './parts';

interface ConfirmProps {
  title: string;
  act: string; // on the button that does it
  send: () => Promise<string | null>; // null: it is done; else why not
  onClose: () => void;
  onDone: () => void;
  children: ComponentChildren;
}

// The question before an act that somebody will notice.
export function Confirm({ title, act, send, onClose, onDone, children }: ConfirmProps) {
  const [error, setError] = useState('');
  const run = async () => {
    const why = await send();
    if (why === null) onDone();
    else setError(why);
  };
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      {error && <Alert>{error}</Alert>}
      <div class="actions">
        <button type="button" class="danger" onClick={() => void run()}>
          {act}
        </button>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      </div>
    </Dialog>
  );
}
