// What the Decisions page shows, as it stands in the address: a link shows the same to whoever opens it.
export interface View {
  q: string;
  from: string;
  to: string;
  order: 'desc' | 'asc';
  open: string; // the event in the drawer
}

export function readView(query: URLSearchParams): View {
  const of = (name: string) => (query.get(name) ?? '').replace(/[\t\r\n]/g, ' ').trim(); // no address takes them
  return { q: of('q'), from: of('from'), to: of('to'), order: of('order') === 'asc' ? 'asc' : 'desc', open: of('open') };
}

// Always in the same order and without what says nothing, so that equal views have equal addresses.
export function viewQuery(view: Partial<View>): string {
  const query = new URLSearchParams();
  for (const name of ['q', 'from', 'to', 'order', 'open'] as const) {
    const value = view[name];
    if (value && !(name === 'order' && value === 'desc')) query.set(name, value);
  }
  const text = query.toString();
  return text ? `?${text}` : '';
}

export function viewHref(view: Partial<View>): string {
  return `/decisions${viewQuery(view)}`;
}
