// Status: what is collected, stored, refused and configured; one page with parts.
import "../css/status.css";
import "../lib/textAlerting";
import "../lib/textStatus";
import type { ComponentType } from "preact";
import { t } from "../lib/text";
import { stale } from "../state/connection";
import { useCrumb } from "../state/crumb";
import { follow, hrefOf, url } from "../state/url";
import { Access } from "./status/Access";
import { CardinalityView } from "./status/Cardinality";
import { ConfigView } from "./status/Config";
import { Limits, Rejected } from "./status/Rejected";
import { Self } from "./status/Self";
import { Storage } from "./status/Storage";
import { Targets } from "./status/Targets";

const PARTS = ["targets", "storage", "self", "config", "cardinality", "rejected", "limits", "access"] as const;
type Part = (typeof PARTS)[number];
const VIEWS: Record<Part, ComponentType> = { targets: Targets, storage: Storage, self: Self, config: ConfigView, cardinality: CardinalityView, rejected: Rejected, limits: Limits, access: Access };

export function Status() {
  const part = PARTS.find((p) => p === url.value.show) ?? "targets";
  const View = VIEWS[part];
  useCrumb(part === "targets" ? "" : t(`st.${part}`));
  return (
    <div class={`status ${stale.value ? "is-stale" : ""}`}>
      <h1 class="sr-only">
        {t("nav.status")}: {t(`st.${part}`)}
      </h1>
      <nav class="parts status-parts" aria-label={t("st.parts")}>
        {PARTS.map((p) => (
          <a key={p} class="part" href={hrefOf("status", { show: p === "targets" ? "" : p })} aria-current={p === part ? "page" : undefined} onClick={follow}>
            {t(`st.${p}`)}
          </a>
        ))}
      </nav>
      <View key={part} />
    </div>
  );
}
