// What the pages of alerting share: the links between them, the filter box, chips that choose a part of the list, the
// list with something open beside it, and the states of a list that is asked for again and again.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { formatClock, formatCount } from "../../lib/format";
import { compile, parseFilter, type Test } from "../../lib/matchers";
import { t, type TextKey } from "../../lib/text";
import { Icon, type IconName } from "../../parts/Icon";
import { Failed, Loading } from "../../parts/states";
import { stale } from "../../state/connection";
import { offerFilter } from "../../state/filter";
import type { Polled } from "../../state/poll";
import { follow, hrefOf, page, patch, url, zone } from "../../state/url";
import { PAGE_NAMES, type PageName, PLACES } from "../../state/places";

/** A page of the navigation and those that are reached from it. */
const partsOf = (name: PageName) => {
  const head = PLACES[name].partOf ?? name;
  return PAGE_NAMES.filter((p) => p === head || PLACES[p].partOf === head);
};

/** What the links lead to, as the page at their head is called. */
const partsName = () => (page.value === "missing" ? "" : t(`nav.${PLACES[page.value].partOf ?? page.value}` as TextKey));

const Parts = () => (
  <nav class="parts" ref={(el) => el?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" })} aria-label={t("al.parts", { page: partsName() })}>
    {(page.value === "missing" ? [] : partsOf(page.value)).map((p) => (
      <a key={p} class="part" href={hrefOf(p)} aria-current={page.value === p ? "page" : undefined} onClick={follow}>
        {t(`nav.${p}`)}
      </a>
    ))}
  </nav>
);

interface PageProps {
  /** to the right of the links */
  tools?: ComponentChildren;
  /** the line of chips and filter */
  bar?: ComponentChildren;
  /** what is open beside the list */
  beside?: ComponentChildren;
  /** what is open gets most of the room */
  wide?: boolean;
  children: ComponentChildren;
}

export const ListPage = ({ tools, bar, beside, wide, children }: PageProps) => (
  <div class={`listpage ${beside ? "listpage-open" : ""} ${stale.value ? "is-stale" : ""}`}>
    <h1 class="sr-only">{t(`nav.${page.value}` as TextKey)}</h1>
    <header class="listpage-head">
      <Parts />
      <span class="grow" />
      {tools}
    </header>
    {bar ? <div class="listpage-bar">{bar}</div> : null}
    <div class={`split ${beside ? "split-open" : ""} ${wide ? "split-wide" : ""}`}>
      <div class="split-list">{children}</div>
      {beside ? <div class="split-beside">{beside}</div> : null}
    </div>
  </div>
);

/** What is open beside the list: named, closed by its button or Escape. */
export function Beside({ label, title, tools, full, children }: { label: string; title: ComponentChildren; tools?: ComponentChildren; full?: boolean; children: ComponentChildren }) {
  return (
    <section class="panel beside" aria-label={label}>
      <header class="beside-head">
        <button type="button" class="button button-icon beside-back" aria-label={t("al.back")} onClick={() => patch({ open: "" })}>
          <Icon name="back" />
        </button>
        <h2 class="beside-title">{title}</h2>
        {tools}
        <button type="button" class="button button-icon beside-close" aria-label={t("common.close")} title="Esc" onClick={() => patch({ open: "" })}>
          <Icon name="close" />
        </button>
      </header>
      {/* A region that scrolls must be reachable by keyboard. */}
      <div class={`beside-body ${full ? "beside-full" : ""}`} tabIndex={0}>
        {children}
      </div>
    </section>
  );
}

export const Section = ({ title, note, children }: { title: string; note?: ComponentChildren; children: ComponentChildren }) => (
  <section class="part-of" aria-label={title}>
    <header>
      <h3>{title}</h3>
      {note}
    </header>
    {children}
  </section>
);

export interface Choice {
  value: string;
  label: string;
  count?: number | undefined;
  icon?: IconName;
  kind?: string;
}

/** Chips of which one is chosen. The first has the empty value. */
export const Chips = ({ label, value, choices, onPick }: { label: string; value: string; choices: Choice[]; onPick: (value: string) => void }) => (
  <div class="chips" role="group" aria-label={label}>
    {choices.map((c) => (
      <button type="button" key={c.value} class={`button chip-button ${c.kind ?? ""}`} aria-pressed={c.value === value} onClick={() => onPick(c.value)}>
        {c.icon ? <Icon name={c.icon} size={14} /> : null}
        {c.label}
        {c.count !== undefined ? <span class="num chip-count">{formatCount(c.count)}</span> : null}
      </button>
    ))}
  </div>
);

export const pickShow = (show: string) => patch({ show });

/** The filter of the address, as a test; all pass while it cannot be read. */
export function testOf(q: string): { test: Test; bad: string } {
  const test = compile(parseFilter(q));
  return typeof test === "function" ? { test, bad: "" } : { test: () => true, bad: test.bad };
}

export function FilterBox({ bad, shown, all, hint = t("al.filter.hint") }: { bad: string; shown?: number; all?: number; hint?: string }) {
  const ref = useRef<HTMLInputElement>(null);
  useEffect(() => offerFilter(() => ref.current?.focus()), []);
  return (
    <div class="filter">
      <Icon name="search" size={15} />
      <input
        ref={ref}
        class="input mono filter-input"
        type="search"
        aria-label={t("al.filter")}
        aria-invalid={bad !== ""}
        aria-describedby="filter-said"
        placeholder={hint}
        value={url.value.q}
        onInput={(e) => patch({ q: e.currentTarget.value }, "replace")}
        onKeyDown={(e) => e.key === "Escape" && e.currentTarget.blur()}
        spellcheck={false}
        autocapitalize="off"
        autocomplete="off"
      />
      <span id="filter-said" class={`filter-said num ${bad ? "field-error" : "soft"}`} role="status">
        {bad ? t("al.filter.bad", { re: bad }) : shown !== undefined && all !== undefined && url.value.q ? t("explore.metrics.count", { shown: formatCount(shown), all: formatCount(all) }) : ""}
      </span>
    </div>
  );
}

export const ClearFilter = () => (
  <button type="button" class="button" onClick={() => patch({ q: "" })}>
    {t("al.filter.clear")}
  </button>
);

/** Loading, failed, or what there is; what is old says so. */
export function Asked<T>({ of, children }: { of: Polled<T>; children: (data: T) => ComponentChildren }) {
  if (of.data === null) return of.error ? <Failed message={of.error} onRetry={of.again} /> : <Loading />;
  return (
    <>
      {of.error ? (
        <p class="old" role="status">
          <Icon name="warning" size={14} />
          {t("al.old", { at: formatClock(of.at, zone.value, true), error: of.error })}
        </p>
      ) : null}
      {children(of.data)}
    </>
  );
}
