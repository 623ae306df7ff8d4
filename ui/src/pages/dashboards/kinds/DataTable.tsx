// A table of a panel: sorted by a click on a heading, of the rows only those that can be seen exist.
import { useMemo, useRef, useState } from "preact/hooks";
import type { Panel } from "../../../api/dashboards";
import { t } from "../../../lib/text";
import { zone } from "../../../state/url";
import type { KindProps } from "../kinds";
import { type Column, compare, lookOf, type Table, tableOf } from "../table";

const ROW_PX = 28;
const AROUND = 10;

export function TablePanel({ panel, all, instant, title }: KindProps) {
  const table = useMemo(() => tableOf(panel, all, instant), [panel, all, instant]);
  return <DataTable table={table} panel={panel} label={title} />;
}

export function DataTable({ table, panel, label }: { table: Table; panel: Panel; label: string }) {
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [sort, setSort] = useState<{ by: string; down: boolean } | null>(null);
  const at = table.columns.findIndex((c) => c.name === sort?.by);
  const rows = useMemo(() => (at < 0 ? table.rows : [...table.rows].sort((a, b) => (sort?.down ? -1 : 1) * compare(a[at] ?? "", b[at] ?? ""))), [table, at, sort?.down]);
  const looks = useMemo(() => table.columns.map((c) => lookOf(panel, c, table, zone.value)), [table, panel, zone.value]);
  const shown = table.columns.map((_, i) => i).filter((i) => !looks[i]?.hidden);
  const first = Math.max(0, Math.floor(top / ROW_PX) - AROUND);
  const last = Math.min(rows.length, first + Math.ceil((box.current?.clientHeight ?? 600) / ROW_PX) + 2 * AROUND);
  return (
    // A region that scrolls must be reachable by keyboard.
    <div class="dt" ref={box} tabIndex={0} role="region" aria-label={label} onScroll={(e) => setTop(e.currentTarget.scrollTop)}>
      <table class="table" aria-rowcount={rows.length + 1}>
        <thead>
          <tr>
            {shown.map((i) => {
              const c = table.columns[i] as Column;
              const sorted = sort?.by === c.name;
              return (
                <th key={`${i} ${c.name}`} scope="col" class={c.kind === "number" ? "num" : ""} aria-sort={sorted ? (sort.down ? "descending" : "ascending") : "none"}>
                  <button type="button" class="dt-sort" onClick={() => setSort({ by: c.name, down: sorted ? !sort.down : c.kind === "number" })}>
                    {looks[i]?.title ?? c.name}
                    {sorted ? <span aria-hidden="true">{sort.down ? " ↓" : " ↑"}</span> : null}
                  </button>
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody data-item="">
          {first > 0 ? (
            <tr class="dt-gap" style={{ height: `${first * ROW_PX}px` }}>
              <td colSpan={shown.length} />
            </tr>
          ) : null}
          {rows.slice(first, last).map((r, k) => (
            <tr key={first + k} aria-rowindex={first + k + 2} style={{ height: `${ROW_PX}px` }}>
              {shown.map((i) => {
                const cell = looks[i]?.tell(r[i] ?? "");
                return (
                  <td key={i} class={table.columns[i]?.kind === "number" ? "num" : ""} title={cell?.text}>
                    {cell?.colour ? <span class="swatch" style={{ background: cell.colour }} aria-hidden="true" /> : null} {cell?.text}
                  </td>
                );
              })}
            </tr>
          ))}
          {last < rows.length ? (
            <tr class="dt-gap" style={{ height: `${(rows.length - last) * ROW_PX}px` }}>
              <td colSpan={shown.length} />
            </tr>
          ) : null}
        </tbody>
      </table>
      {table.more > 0 ? <p class="soft">{t("da.rows.more", { n: table.more })}</p> : null}
    </div>
  );
}
