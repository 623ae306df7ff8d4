// What the server remarked about a query: warnings and infos, each with its place. Pointing at one lights the place up.
import { t } from "../../lib/text";
import { Icon } from "../../parts/Icon";
import { lit } from "./lit";
import { indexOf, type Note, wordAt } from "./position";

/** `of`: the letter of the query, where there are several. */
export function Notes({ expr, of, notes }: { expr: string; of: string; notes: Note[] }) {
  if (notes.length === 0) return null;
  const light = (n: Note) => {
    const from = n.line > 0 ? indexOf(expr, n) : null;
    lit.value = from === null ? null : { text: expr, from, to: wordAt(expr, from) };
  };
  return (
    <ul class="query-notes" aria-label={t("explore.notes")}>
      {notes.map((n) => (
        <li key={`${n.line}:${n.column}:${n.message}`} class={`query-note query-note-${n.severity}`} onMouseEnter={() => light(n)} onMouseLeave={() => (lit.value = null)}>
          <Icon name={n.severity === "info" ? "info" : "warning"} size={15} />
          <span>
            <span class="strong">{of ? `${of} ` : ""}{t(n.severity === "info" ? "explore.info" : "explore.warning")}</span>
            {n.line > 0 ? <span class="soft"> {t("explore.error.at", { line: n.line, column: n.column })}</span> : null}: {n.message}
          </span>
        </li>
      ))}
    </ul>
  );
}
