// The navigation: a rail on the left, a bar at the bottom of narrow screens. Only pages that exist.
import { t } from "../lib/text";
import { follow, hrefOf, page } from "../state/url";
import { Icon, Mark } from "./Icon";

const PAGES = ["overview", "explore"] as const;

export const Rail = () => (
  <nav class="rail" aria-label={t("nav.label")}>
    <a class="rail-brand" href={hrefOf("overview")} onClick={follow} aria-label={`${t("app.name")}: ${t("nav.overview")}`}>
      <Mark />
      <span class="rail-name">{t("app.name")}</span>
    </a>
    {PAGES.map((p) => (
      <a key={p} class="rail-link" href={hrefOf(p)} aria-current={page.value === p ? "page" : undefined} onClick={follow}>
        <Icon name={p} size={20} />
        <span>{t(`nav.${p}`)}</span>
      </a>
    ))}
  </nav>
);
