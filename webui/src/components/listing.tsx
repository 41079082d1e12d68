// What pages that list something have in common.
interface SearchProps {
  what: string; // that is searched: "Name or group"
  search: string;
  onSearch: (text: string) => void;
}

export function Search({ what, search, onSearch }: SearchProps) {
  return (
    <form role="search" class="search" onSubmit={(e) => e.preventDefault()}>
      <input
        type="search"
        aria-label={`Search ${what.charAt(0).toLowerCase()}${what.slice(1)}`}
        placeholder={what}
        maxLength={256}
        value={search}
        onInput={(e) => onSearch(e.currentTarget.value)}
      />
    </form>
  );
}

// Nothing, where there is no further page.
export function More({ next, onMore }: { next: string | null; onMore: (cursor: string) => void }) {
  if (!next) return null;
  return (
    <footer class="more">
      <button type="button" onClick={() => onMore(next)}>
        Show more
      </button>
    </footer>
  );
}
