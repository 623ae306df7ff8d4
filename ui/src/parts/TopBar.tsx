// The bar above every page: where we are, the time range, live or paused, and what can be done with what is shown.
import { formatClock } from "../lib/format";
import { t, type TextKey } from "../lib/text";
import { liveWindow } from "../lib/time";
import { heardAt, stale } from "../state/connection";
import { crumb } from "../state/crumb";
import { held } from "../state/hold";
import { headOf } from "../state/places";
import { nextTheme, setTheme, theme } from "../state/prefs";
import { refresh } from "../state/refresh";
import { follow, hrefOf, page, url } from "../state/url";
import { act, toggleLive } from "./actions";
import { Icon, type IconName } from "./Icon";
import { openDialog } from "./dialogs";
import { TimePicker } from "./TimePicker";

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

/** The page of the rail, the page that is reached from it, and what is open there. */
function Crumbs() {
  if (page.value === "missing") return <span class="grow" />;
  const name = page.value;
  const head = headOf(name);
  const steps: [string, string | null][] = [];
  if (head !== name) steps.push([t(`nav.${head}`), hrefOf(head)]);
  steps.push([t(`nav.${name}`), crumb.value ? hrefOf(name) : null]);
  if (crumb.value) steps.push([crumb.value, null]);
  return (
    <nav class="crumbs" aria-label="Breadcrumb">
      {steps.map(([text, href], i) => (
        <>
          {i > 0 ? (
            <span class="soft" aria-hidden="true">
              /
            </span>
          ) : null}
          {href ? (
            <a class="crumb crumb-link" href={href} onClick={follow}>
              {text}
            </a>
          ) : (
            <span class="crumb strong" aria-current="page">
              {text}
            </span>
          )}
        </>
      ))}
    </nav>
  );
}

interface ToolProps {
  icon: IconName;
  text: string;
  hint?: string;
  wide?: boolean;
  pressed?: boolean;
  onClick: () => void;
}

const Tool = ({ icon, text, hint = "", wide, pressed, onClick }: ToolProps) => (
  <button type="button" class={`button button-icon ${wide ? "wide" : ""}`} aria-label={text} aria-pressed={pressed} title={hint ? `${text} (${hint})` : text} onClick={onClick}>
    <Icon name={icon} />
  </button>
);

export function TopBar() {
  const { live, range, before } = url.value;
  const running = live && liveWindow(range) !== null;
  return (
    <header class="top">
      <Crumbs />
      <Connection />
      <span class="grow" />
      {/* A page without a range of its own, until it has one. */}
      {range.from ? <TimePicker /> : null}
      {range.from ? (
        <button type="button" class={`button live ${running && !stale.value ? "live-on" : ""}`} aria-pressed={running} onClick={toggleLive} title="l">
          <Icon name={running ? "pause" : "play"} size={16} />
          <span class="wide">{running ? t("top.live") : t("top.paused")}</span>
          <span class="sr-only">{running ? t("top.pause") : t("top.resume")}</span>
        </button>
      ) : null}
      <Tool icon="refresh" text={t("top.refresh")} hint="r" wide onClick={refresh} />
      <Tool icon="before" text={t("top.before")} hint="c" wide pressed={before !== ""} onClick={() => void act("before")} />
      <Tool icon="link" text={t("top.share")} hint="Shift-S" wide onClick={() => openDialog("share")} />
      <Tool icon="search" text={t("top.palette")} hint="Ctrl-K" onClick={() => openDialog("palette")} />
      <Tool icon={theme.value} text={t(`top.theme.${theme.value}` as TextKey)} onClick={() => setTheme(nextTheme(theme.value))} />
      <Tool icon="help" text={t("top.help")} hint="?" wide onClick={() => openDialog("help")} />
    </header>
  );
}
