import { useEffect, useRef, useState } from 'preact/hooks';

interface Page<T> {
  items: T[];
  next_cursor: string | null;
  exhausted: boolean;
}

type Get<T> = (q: string | undefined, cursor: string | undefined) => Promise<{ data?: Page<T>; error?: string }>;

// A list that the server searches while one types, page by page.
export function useSearched<T>(get: Get<T>) {
  const [items, setItems] = useState<T[]>();
  const [next, setNext] = useState<string | null>(null);
  const [search, setSearch] = useState('');
  const [error, setError] = useState('');
  const asked = useRef(0);
  const load = async (cursor?: string) => {
    const mine = ++asked.current; // an answer that comes after the one of a later question is no news
    const r = await get(search || undefined, cursor);
    if (mine !== asked.current) return;
    setError(r.error ?? '');
    if (!r.data) return;
    setItems(cursor ? [...(items ?? []), ...r.data.items] : r.data.items);
    setNext(r.data.exhausted ? null : r.data.next_cursor);
  };
  useEffect(() => {
    const soon = setTimeout(() => void load(), search ? 200 : 0);
    return () => clearTimeout(soon);
  }, [search]);
  return { items, next, search, setSearch, error, load };
}
