// The navigation: a rail on the left, a bar at the bottom of narrow screens. Only pages that exist.
import { t } from "../lib/text";
import { overview } from "../state/overview";
import { PLACES, RAIL } from "../state/places";
import { follow, hrefOf, page } from "../state/url";
import { Icon, type IconName, Mark } from "./Icon";

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

/** The page that the rail lights up for a page which is reached from it. */
const partOf = () => (page.value === "missing" ? undefined : PLACES[page.value].partOf);

export const Rail = () => (
  <nav class="rail" aria-label={t("nav.label")}>
    <a class="rail-brand" href={hrefOf("overview")} onClick={follow} aria-label={`${t("app.name")}: ${t("nav.overview")}`}>
      <Mark />
      <span class="rail-name">{t("app.name")}</span>
    </a>
    {RAIL.map((p) => (
      <a key={p} class="rail-link" href={hrefOf(p)} aria-current={page.value === p ? "page" : partOf() === p ? "true" : undefined} onClick={follow}>
        <Icon name={p as IconName} size={20} />
        <span>{t(`nav.${p}`)}</span>
        {p === "alerts" ? <Firing /> : null}
      </a>
    ))}
  </nav>
);
