import { changedLines, unified } from '../lib/diff';
import { visible } from '../lib/text';

const signs = { same: ' ', old: '\u2212', new: '+', gap: '' };
const words = { same: '', old: 'removed', new: 'added', gap: '' };
const most = 2000; // rows

// Two texts as one list of lines, sign and word beside the colour.
export function Diff({ from, to, label }: { from: string; to: string; label: string }) {
  const rows = unified(from, to);
  const { added, removed } = changedLines(from, to);
  if (!rows.length) return <p class="muted">Nothing differs.</p>;
  return (
    <figure class="diff">
      <figcaption>
        {label}: <span class="plus">{added} added</span>, <span class="minus">{removed} removed</span>
      </figcaption>
      <div class="lines" tabIndex={0} role="region" aria-label={label}>
        <table>
          <tbody>
            {rows.slice(0, most).map((row, i) =>
              row.kind === 'gap' ? (
                <tr key={i} class="gap">
                  <td colSpan={4}>{row.text === '1' ? 'one line' : `${row.text} lines`} the same</td>
                </tr>
              ) : (
                <tr key={i} class={row.kind}>
                  <td class="at">{row.old}</td>
                  <td class="at">{row.new}</td>
                  <td class="sign">
                    <span aria-hidden="true">{signs[row.kind]}</span>
                    <span class="hidden">{words[row.kind]}</span>
                  </td>
                  <td class="line">{visible(row.text)}</td>
                </tr>
              ),
            )}
          </tbody>
        </table>
      </div>
      {rows.length > most && <p class="muted">The first {most} lines are shown.</p>}
    </figure>
  );
}
