// Markdown as elements (pages/dashboards/markdown.ts reads it): no HTML is ever made of what somebody wrote.
import type { ComponentChildren } from "preact";
import type { Block, Inline } from "../pages/dashboards/markdown";
import { follow } from "../state/url";

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

export function MarkdownBlock({ block: b }: { block: Block }) {
  switch (b.kind) {
    case "heading": {
      // Under the heading of what it stands in.
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
