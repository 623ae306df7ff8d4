// Links of panels and dashboards: our own pages stay in this tab, others open one of their own.
import type { Link } from "../../api/dashboards";
import { t } from "../../lib/text";
import { Icon } from "../../parts/Icon";
import { follow } from "../../state/url";
import type { Values } from "./interpolate";
import { safeHref } from "./markdown";
import { fill, type Scope } from "./scope";

export function Links({ links, scope, own, named }: { links: readonly Link[]; scope: Scope; own: Values; named?: boolean }) {
  return (
    <>
      {links.map((l) => {
        const href = safeHref(fill(l.url, scope, own, "url"));
        const title = fill(l.title || l.url, scope, own);
        if (!href) return null;
        const ours = href.startsWith("/");
        return (
          <a key={`${l.url} ${l.title}`} class={`button ${named ? "button-small" : "button-icon"}`} href={href} aria-label={named ? undefined : t("da.link", { title })} title={title} {...(ours ? { onClick: follow } : { target: "_blank", rel: "noreferrer" })}>
            <Icon name="link" size={15} />
            {named ? title : null}
          </a>
        );
      })}
    </>
  );
}
