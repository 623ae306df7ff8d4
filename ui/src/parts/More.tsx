// What telephones have under "more": every page, and how things look.
import { t } from "../lib/text";
import { PAGE_NAMES, PLACES, RAIL_GROUPS } from "../state/places";
import { roomy, setRoomy, setTheme, THEMES, theme } from "../state/prefs";
import { follow, hrefOf, page } from "../state/url";
import { Dialog } from "./Dialog";
import { closeDialog, openDialog } from "./dialogs";
import { Icon, type IconName } from "./Icon";

export const More = () => (
  <Dialog title={t("more.title")} kind="dialog-more" onClose={closeDialog}>
    <nav class="more-pages" aria-label={t("more.title")}>
      {RAIL_GROUPS.flat().map((p) => (
        <div key={p} class="more-group">
          <a class="more-link strong" href={hrefOf(p)} aria-current={page.value === p ? "page" : undefined} onClick={follow}>
            <Icon name={p as IconName} size={18} />
            {t(`nav.${p}`)}
          </a>
          {PAGE_NAMES.filter((x) => PLACES[x].partOf === p).map((x) => (
            <a key={x} class="more-part" href={hrefOf(x)} aria-current={page.value === x ? "page" : undefined} onClick={follow}>
              {t(`nav.${x}`)}
            </a>
          ))}
        </div>
      ))}
    </nav>
    <div class="fields">
      <label>
        {t("more.theme")}
        <select class="input" value={theme.value} onChange={(e) => setTheme(THEMES.find((x) => x === e.currentTarget.value) ?? "system")}>
          {THEMES.map((x) => (
            <option key={x} value={x}>
              {t(`more.theme.${x}`)}
            </option>
          ))}
        </select>
      </label>
      <label>
        {t("more.density")}
        <select class="input" value={roomy.value ? "roomy" : "compact"} onChange={(e) => setRoomy(e.currentTarget.value === "roomy")}>
          <option value="compact">{t("more.density.compact")}</option>
          <option value="roomy">{t("more.density.roomy")}</option>
        </select>
      </label>
    </div>
    <div class="more-actions">
      <button type="button" class="button" onClick={() => openDialog("share")}>
        <Icon name="link" size={15} />
        {t("top.share")}
      </button>
      <button type="button" class="button" onClick={() => openDialog("help")}>
        <Icon name="help" size={15} />
        {t("top.help")}
      </button>
    </div>
  </Dialog>
);
