// The legend: one row a series with last, min, max, avg over what is shown; sortable; show only one, or hide some.
import { useState } from "preact/hooks";
import { type Stats, statsOf } from "../../api/window";
import { Swatch } from "../../charts/Chart";
import type { Line } from "../../charts/plot";
import { formatValue, type Unit } from "../../lib/format";
import { t } from "../../lib/text";
import { Icon } from "../../parts/Icon";
import { patch, url } from "../../state/url";

type Column = keyof Stats;
const COLUMNS: Column[] = ["last", "min", "max", "avg"];

interface Sort {
  by: Column | "name";
  down: boolean;
}

const order = (s: Sort) => (a: { line: Line; stats: Stats }, b: { line: Line; stats: Stats }) => {
  const c = s.by === "name" ? a.line.name.localeCompare(b.line.name, "en", { numeric: true }) : (a.stats[s.by] || 0) - (b.stats[s.by] || 0);
  return s.down ? -c : c;
};

export function toggleHidden(name: string): void {
  const { hide, solo } = url.value;
  if (solo) patch({ solo: "" }, "replace");
  patch({ hide: hide.includes(name) ? hide.filter((x) => x !== name) : [...hide, name] }, "replace");
}

export function Legend({ lines, unit }: { lines: Line[]; unit: Unit }) {
  const [sort, setSort] = useState<Sort | null>(null);
  const rows = lines.map((line) => ({ line, stats: statsOf(line.values) }));
  if (sort) rows.sort(order(sort));
  const by = (column: Sort["by"]) => setSort({ by: column, down: sort?.by === column ? !sort.down : column !== "name" });
  const { solo, hide } = url.value;
  const pick = (e: MouseEvent, name: string) => {
    if (e.ctrlKey || e.metaKey) toggleHidden(name);
    else patch({ solo: solo === name ? "" : name }, "replace");
  };
  return (
    <div class="legend">
      <div class="legend-note soft">
        <span>{t("explore.hint")}</span>
        {solo || hide.length > 0 ? (
          <button type="button" class="button" onClick={() => patch({ solo: "", hide: [] }, "replace")}>
            {t("explore.all")}
          </button>
        ) : null}
      </div>
      <table class="table legend-table">
        <thead>
          <tr>
            <SortHead label={t("explore.legend")} column="name" sort={sort} onSort={by} />
            {COLUMNS.map((c) => (
              <SortHead key={c} label={t(`col.${c}`)} column={c} sort={sort} onSort={by} />
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ line, stats }) => (
            <tr key={line.name} class={line.hidden ? "legend-off" : ""}>
              <th scope="row">
                <span class="legend-name">
                  <button type="button" class="button button-icon legend-eye" aria-label={t(line.hidden ? "explore.show" : "explore.hide", { name: line.name })} aria-pressed={line.hidden} onClick={() => toggleHidden(line.name)}>
                    <Icon name={line.hidden ? "eyeoff" : "eye"} size={15} />
                  </button>
                  <button type="button" class="legend-solo mono" title={t("explore.solo", { name: line.name })} aria-pressed={solo === line.name} onClick={(e) => pick(e, line.name)}>
                    <Swatch colour={line.colour} />
                    <span>{breakable(line.name)}</span>
                  </button>
                </span>
              </th>
              {COLUMNS.map((c) => (
                <td class="num" key={c}>
                  {formatValue(stats[c], line.unit ?? unit)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A name may be broken after its brace, rather than in the middle of a word. */
const breakable = (name: string) => name.split(/(?<=\{)/).flatMap((part, i) => (i ? [<wbr key={i} />, part] : [part]));

interface HeadProps {
  label: string;
  column: Sort["by"];
  sort: Sort | null;
  onSort: (c: Sort["by"]) => void;
}

function SortHead({ label, column, sort, onSort }: HeadProps) {
  const on = sort?.by === column;
  return (
    <th scope="col" class={column === "name" ? "" : "num"} aria-sort={on ? (sort.down ? "descending" : "ascending") : "none"}>
      <button type="button" class="sort" onClick={() => onSort(column)}>
        {label}
        <span aria-hidden="true">{on ? (sort.down ? " ↓" : " ↑") : ""}</span>
      </button>
    </th>
  );
}
