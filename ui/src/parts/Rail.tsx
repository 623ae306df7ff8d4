// The navigation: a rail on the left, a bar at the bottom of narrow screens. Only pages that exist.
import { t } from "../lib/text";
import { overview } from "../state/overview";
import { follow, hrefOf, page } from "../state/url";
import { Icon, Mark } from "./Icon";

const PAGES = ["overview", "explore", "alerts", "rules"] as const;
/** Pages that are reached from another page, which the rail lights up for them. */
const PART_OF: Partial<Record<string, (typeof PAGES)[number]>> = { incidents: "alerts", silences: "alerts", history: "alerts", files: "rules" };

/** More than this is many. */
const COUNT_MAX = 999;

/** How many alerts fire, on the bell. */
function Firing() {
  const n = overview.value.doc?.alerts.filter((a) => a.state === "firing").length ?? 0;
  if (n === 0) return null;
  return (
    <span class="rail-count num">
      <span aria-hidden="true">{n > COUNT_MAX ? `${COUNT_MAX}+` : n}</span>
      <span class="sr-only">{t("nav.alerts.firing", { n })}</span>
    </span>
  );
}

export const Rail = () => (
  <nav class="rail" aria-label={t("nav.label")}>
    <a class="rail-brand" href={hrefOf("overview")} onClick={follow} aria-label={`${t("app.name")}: ${t("nav.overview")}`}>
      <Mark />
      <span class="rail-name">{t("app.name")}</span>
    </a>
    {PAGES.map((p) => (
      <a key={p} class="rail-link" href={hrefOf(p)} aria-current={page.value === p ? "page" : PART_OF[page.value] === p ? "true" : undefined} onClick={follow}>
        <Icon name={p} size={20} />
        <span>{t(`nav.${p}`)}</span>
        {p === "alerts" ? <Firing /> : null}
      </a>
    ))}
  </nav>
);
