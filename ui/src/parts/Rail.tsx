// The navigation: a rail on the left, with words or icons alone; a bar at the bottom of narrow screens. Only pages that exist.
import { t } from "../lib/text";
import { useNarrow } from "../lib/media";
import { overview } from "../state/overview";
import { BAR, headOf, type PageName, RAIL_GROUPS } from "../state/places";
import { railSmall, setRailSmall } from "../state/prefs";
import { follow, hrefOf, page } from "../state/url";
import { openDialog } from "./dialogs";
import { Icon, type IconName, Mark } from "./Icon";

/** More than this is many. */
const COUNT_MAX = 999;

/** How many alerts fire, on the bell. */
function Firing() {
  const n = overview.value.doc?.alerts.reduce((sum, a) => sum + (a.state === "firing" ? 1 + (a.more ?? 0) : 0), 0) ?? 0;
  if (n === 0) return null;
  return (
    <span class="rail-count num">
      <span aria-hidden="true">{n > COUNT_MAX ? `${COUNT_MAX}+` : n}</span>
      <span class="sr-only">{t("nav.alerts.firing", { n })}</span>
    </span>
  );
}

const head = () => (page.value === "missing" ? undefined : headOf(page.value));

const RailLink = ({ name }: { name: PageName }) => (
  <a class="rail-link" href={hrefOf(name)} aria-current={page.value === name ? "page" : head() === name ? "true" : undefined} title={railSmall.value ? t(`nav.${name}`) : undefined} onClick={follow}>
    <Icon name={name as IconName} size={20} />
    <span class="rail-word">{t(`nav.${name}`)}</span>
    {name === "alerts" ? <Firing /> : null}
  </a>
);

function Bar() {
  const other = head() !== undefined && !BAR.includes(head() as PageName);
  return (
    <nav class="rail" aria-label={t("nav.label")}>
      {BAR.map((p) => (
        <RailLink key={p} name={p} />
      ))}
      <button type="button" class="rail-link" aria-haspopup="dialog" aria-current={other ? "true" : undefined} onClick={() => openDialog("more")}>
        <Icon name="more" size={20} />
        <span class="rail-word">{t("nav.more")}</span>
      </button>
    </nav>
  );
}

export function Rail() {
  if (useNarrow()) return <Bar />;
  const small = railSmall.value;
  return (
    <nav class="rail" aria-label={t("nav.label")}>
      <a class="rail-brand" href={hrefOf("overview")} onClick={follow} aria-label={`${t("app.name")}: ${t("nav.overview")}`}>
        <Mark />
        <span class="rail-word rail-name">{t("app.name")}</span>
      </a>
      {RAIL_GROUPS.map((group) => (
        <div class="rail-group" key={group[0]}>
          {group.map((p) => (
            <RailLink key={p} name={p} />
          ))}
        </div>
      ))}
      <span class="grow" />
      <button type="button" class="rail-link rail-fold" aria-expanded={!small} title={`${t(small ? "nav.wide" : "nav.small")} ([)`} onClick={() => setRailSmall(!small)}>
        <Icon name={small ? "forward" : "back"} size={18} />
        <span class="rail-word">{t(small ? "nav.wide" : "nav.small")}</span>
      </button>
    </nav>
  );
}
