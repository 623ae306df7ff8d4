// Text written by people, and what we cannot show: which kind it was, why, and what it asks.
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { t } from "../../../lib/text";
import { Icon } from "../../../parts/Icon";
import { follow } from "../../../state/url";
import { type Block, type Inline, markdown } from "../markdown";
import type { KindProps } from "../kinds";
import { fill } from "../scope";

const Line = ({ of }: { of: readonly Inline[] }): ComponentChildren =>
  of.map((x, i) => {
    const key = `${i}`;
    switch (x.kind) {
      case "text":
        return x.text.split("\n").flatMap((l, k) => (k === 0 ? [l] : [<br key={`${key}.${k}`} />, l]));
      case "code":
        return <code key={key}>{x.text}</code>;
      case "link":
        return (
          <a key={key} href={x.href} {...(x.href.startsWith("/") ? { onClick: follow } : { target: "_blank", rel: "noreferrer" })}>
            <Line of={x.of} />
          </a>
        );
      case "bold":
        return (
          <strong key={key}>
            <Line of={x.of} />
          </strong>
        );
      case "italic":
        return (
          <em key={key}>
            <Line of={x.of} />
          </em>
        );
      default:
        return (
          <s key={key}>
            <Line of={x.of} />
          </s>
        );
    }
  });

function One({ block: b }: { block: Block }) {
  switch (b.kind) {
    case "heading": {
      // Under the panel's own heading.
      const H = `h${Math.min(6, b.level + 2)}` as "h3";
      return (
        <H>
          <Line of={b.of} />
        </H>
      );
    }
    case "paragraph":
      return (
        <p>
          <Line of={b.of} />
        </p>
      );
    case "quote":
      return (
        <blockquote>
          <Line of={b.of} />
        </blockquote>
      );
    case "code":
      return (
        <pre tabIndex={0}>
          <code>{b.text}</code>
        </pre>
      );
    case "rule":
      return <hr />;
    case "list": {
      const items = b.items.map((x, i) => (
        <li key={`${i}`}>
          <Line of={x} />
        </li>
      ));
      return b.ordered ? <ol>{items}</ol> : <ul>{items}</ul>;
    }
    default:
      return (
        <table class="table">
          <thead>
            <tr>
              {b.head.map((c, i) => (
                <th scope="col" key={`${i}`}>
                  <Line of={c} />
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {b.rows.map((r, i) => (
              <tr key={`${i}`}>
                {r.map((c, k) => (
                  <td key={`${k}`}>
                    <Line of={c} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      );
  }
}

export function TextPanel({ panel, scope, placed, title }: KindProps) {
  const text = fill(panel.text ?? "", scope, placed.own);
  const blocks = useMemo(() => markdown(text), [text]);
  return (
    <div class="md" tabIndex={0} role="group" aria-label={title}>
      {blocks.length === 0 ? <p class="soft">{t("da.text.none")}</p> : blocks.map((b, i) => <One key={`${i}`} block={b} />)}
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
