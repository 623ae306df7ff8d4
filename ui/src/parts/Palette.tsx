// The command palette: pages and metric names, by keyboard. A combobox with a list, as the ARIA practices have it.
import { useEffect, useState } from "preact/hooks";
import { t } from "../lib/text";
import { metrics, wantMetrics } from "../state/names";
import { PAGE_NAMES } from "../state/places";
import { go, hrefOf } from "../state/url";
import { Dialog } from "./Dialog";
import { closeDialog } from "./dialogs";

interface Entry {
  name: string;
  kind: string;
  href: string;
}

const SHOWN_MAX = 12;

/** Names that contain every word of the query; those that begin with it first. */
export function matches(names: string[], query: string, max: number): string[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const hits = names.filter((n) => words.every((w) => n.toLowerCase().includes(w)));
  const first = words[0] ?? "";
  return hits
    .map((n, i) => ({ n, i, rank: n.toLowerCase().startsWith(first) ? 0 : 1 }))
    .sort((a, b) => a.rank - b.rank || a.i - b.i)
    .slice(0, max)
    .map((x) => x.n);
}

function entries(query: string): Entry[] {
  const pages: Entry[] = PAGE_NAMES.map((p) => ({ name: t(`nav.${p}`), kind: t("palette.page"), href: hrefOf(p) })).filter((p) => p.name.toLowerCase().includes(query.toLowerCase()));
  const found = query ? matches(metrics.value.names, query, SHOWN_MAX - pages.length) : [];
  return [...pages, ...found.map((name) => ({ name, kind: t("palette.metric"), href: hrefOf("explore", { expr: name }) }))];
}

export function Palette() {
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  useEffect(() => void wantMetrics(), []);
  const list = entries(query.trim());
  const pick = (e: Entry | undefined) => {
    if (!e) return;
    closeDialog();
    go(e.href);
  };
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.key === "ArrowDown") setAt((at + 1) % Math.max(1, list.length));
    else if (e.key === "ArrowUp") setAt((at - 1 + list.length) % Math.max(1, list.length));
    else if (e.key === "Enter") pick(list[at]);
    else return;
    e.preventDefault();
  };
  return (
    <Dialog title={t("palette.title")} kind="dialog-palette" onClose={closeDialog}>
      <input
        class="input palette-input"
        data-first=""
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={list[at] ? `palette-${at}` : undefined}
        aria-label={t("palette.input")}
        placeholder={t("palette.input")}
        value={query}
        onInput={(e) => {
          setQuery(e.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
        spellcheck={false}
      />
      <div id="palette-list" class="palette-list" role="listbox" aria-label={t("palette.title")}>
        {list.map((e, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: keys are handled by the input
          // biome-ignore lint/a11y/useFocusableInteractive: the input keeps the focus
          <div key={e.kind + e.name} id={`palette-${i}`} role="option" aria-selected={i === at} class="palette-row" onClick={() => pick(e)}>
            <span class="mono">{e.name}</span>
            <span class="soft">{e.kind}</span>
          </div>
        ))}
      </div>
      {list.length === 0 ? (
        <p class="soft palette-none" role="status">
          {metrics.value.status === "loading" ? t("palette.loading") : t("palette.none", { q: query.trim() })}
        </p>
      ) : null}
    </Dialog>
  );
}
