// Text written by people, and what we cannot show: which kind it was, why, and what it asks.
import { useMemo } from "preact/hooks";
import { t } from "../../../lib/text";
import { Icon } from "../../../parts/Icon";
import { MarkdownBlock } from "../../../parts/Markdown";
import { markdown } from "../markdown";
import type { KindProps } from "../kinds";
import { fill } from "../scope";

export function TextPanel({ panel, scope, placed, title }: KindProps) {
  const text = fill(panel.text ?? "", scope, placed.own);
  const blocks = useMemo(() => markdown(text), [text]);
  return (
    <div class="md" tabIndex={0} role="group" aria-label={title}>
      {blocks.length === 0 ? <p class="soft">{t("da.text.none")}</p> : blocks.map((b, i) => <MarkdownBlock key={`${i}`} block={b} />)}
    </div>
  );
}

const record = (v: unknown) => (typeof v === "object" && v !== null ? (v as Record<string, unknown>) : {});

export function Unsupported({ panel, title }: KindProps) {
  const original = record(panel.grafana);
  const type = String(original["type"] ?? "");
  return (
    <div class="unsup" tabIndex={0} role="group" aria-label={title}>
      <p class="unsup-what">
        <Icon name="info" size={16} />
        {type ? t("da.unsupported", { type }) : t("da.unsupported.none")}
      </p>
      {panel.description ? <p class="soft">{panel.description}</p> : null}
      {panel.queries?.length ? <pre class="mono">{panel.queries.map((q) => q.expr).join("\n")}</pre> : null}
      {panel.grafana ? (
        <details>
          <summary>{t("da.unsupported.json")}</summary>
          <pre class="mono" tabIndex={0}>
            {JSON.stringify(panel.grafana, null, 2)}
          </pre>
        </details>
      ) : null}
    </div>
  );
}
