// The bar above every page: where we are, the time range, live or paused, search, theme, help.
import { formatClock } from "../lib/format";
import { t, type TextKey } from "../lib/text";
import { liveWindow } from "../lib/time";
import { heardAt, stale } from "../state/connection";
import { held } from "../state/hold";
import { nextTheme, setTheme, theme } from "../state/prefs";
import { DEFAULT_RANGE } from "../state/urlstate";
import { page, patch, url } from "../state/url";
import { Icon } from "./Icon";
import { openDialog } from "./dialogs";
import { TimePicker } from "./TimePicker";

/** Live and ending now, or back to it. */
export function toggleLive(): void {
  const { live, range } = url.value;
  if (live && liveWindow(range) !== null) patch({ live: false });
  else patch({ live: true, range: liveWindow(range) !== null ? range : DEFAULT_RANGE });
}

function Connection() {
  if (stale.value)
    return (
      <span class="badge badge-stale" role="status">
        <Icon name="warning" size={14} />
        {heardAt.value ? t("top.stale", { at: formatClock(heardAt.value, url.value.zone, true) }) : t("top.stale.none")}
      </span>
    );
  if (url.value.live && held.value)
    return (
      <span class="badge" role="status">
        <Icon name="pause" size={14} />
        {t("top.hover")}
      </span>
    );
  return null;
}

export function TopBar() {
  const { live, range } = url.value;
  const running = live && liveWindow(range) !== null;
  const where = page.value === "missing" ? "" : t(`nav.${page.value}` as TextKey);
  return (
    <header class="top">
      <nav class="crumbs" aria-label="Breadcrumb">
        <span class="soft crumb-app">{t("app.name")}</span>
        <span class="soft crumb-app" aria-hidden="true">
          /
        </span>
        <span aria-current="page" class="strong">
          {where}
        </span>
      </nav>
      <Connection />
      <span class="grow" />
      <TimePicker />
      <button type="button" class={`button live ${running && !stale.value ? "live-on" : ""}`} aria-pressed={running} onClick={toggleLive} title="L">
        <Icon name={running ? "pause" : "play"} size={16} />
        <span class="wide">{running ? t("top.live") : t("top.paused")}</span>
        <span class="sr-only">{running ? t("top.pause") : t("top.resume")}</span>
      </button>
      <button type="button" class="button button-icon" aria-label={t("top.palette")} title="Ctrl-K" onClick={() => openDialog("palette")}>
        <Icon name="search" />
      </button>
      <button type="button" class="button button-icon" aria-label={t(`top.theme.${theme.value}` as TextKey)} title={t(`top.theme.${theme.value}` as TextKey)} onClick={() => setTheme(nextTheme(theme.value))}>
        <Icon name={theme.value} />
      </button>
      <button type="button" class="button button-icon help-button" aria-label={t("top.help")} title="?" onClick={() => openDialog("help")}>
        <Icon name="help" />
      </button>
    </header>
  );
}
