// A finished report, drawn from the data that its files are made of: the same sections, the same numbers.
import { useMemo, useRef } from "preact/hooks";
import type { Block, Finished, Series } from "../../api/reports";
import { Chart, Swatch } from "../../charts/Chart";
import { colour, dash } from "../../charts/palette";
import { t } from "../../lib/text";
import { useVisible } from "../../lib/visible";
import { MarkdownBlock } from "../../parts/Markdown";
import { follow, hrefOf } from "../../state/url";
import { markdown } from "../dashboards/markdown";
import { gridOf } from "./grid";

/** Names under a chart; a table and the files have all. */
const NAMES_MAX = 12;

export const Document = ({ of: d }: { of: Finished }) => (
  <article class="rp-doc" aria-label={d.title}>
    <p class="soft num">
      {d.period} ({d.timezone}) · {d.host}
    </p>
    {d.sections.map((s, i) => (
      <section key={`${i}`} class="panel rp-part" {...(s.title ? { "aria-label": s.title } : {})}>
        {s.title ? s.within ? <h3>{s.title}</h3> : <h2>{s.title}</h2> : null}
        {s.blocks.map((b, k) => (
          <One key={`${k}`} block={b} of={d} heading={s.title} />
        ))}
      </section>
    ))}
  </article>
);

function One({ block: b, of, heading }: { block: Block; of: Finished; heading: string }) {
  switch (b.kind) {
    case "missing":
      return <p class="old">{t("rp.missing", { why: b.text })}</p>;
    case "facts":
      return (
        <>
          <dl class="rp-facts">
            {b.facts.map((f) => (
              <div key={f.label} title={f.source}>
                <dt class="soft">{f.label}</dt>
                <dd class="num">{f.text}</dd>
              </div>
            ))}
          </dl>
          <Sources of={of} from={b.facts.map((f) => f.source)} />
        </>
      );
    case "table":
      return (
        <>
          {b.title ? <h3>{b.title}</h3> : null}
          <Rows columns={b.columns} rows={b.rows.map((r) => r.map((c) => c.text))} isNumber={(k) => b.rows.some((r) => r[k]?.value != null)} />
          {b.left_out ? <p class="soft">{t("rp.more", { n: b.left_out })}</p> : null}
          <Sources of={of} from={[b.source]} />
        </>
      );
    case "figure":
      return (
        <>
          {b.title && b.title !== heading ? <h3>{b.title}</h3> : null}
          <Figure of={b} doc={of} />
          <Sources of={of} from={b.source} />
        </>
      );
    default:
      return <Words text={b.text} />;
  }
}

function Words({ text }: { text: string }) {
  const blocks = useMemo(() => markdown(text), [text]);
  return (
    <div class="md">
      {blocks.map((b, i) => (
        <MarkdownBlock key={`${i}`} block={b} />
      ))}
    </div>
  );
}

const Rows = ({ columns, rows, isNumber }: { columns: string[]; rows: string[][]; isNumber: (column: number) => boolean }) => (
  <div class="rp-wide" tabIndex={0}>
    <table class="table">
      <thead>
        <tr>
          {columns.map((c, k) => (
            <th scope="col" key={`${k}`} class={isNumber(k) ? "num" : ""}>
              {c}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((r, i) => (
          <tr key={`${i}`}>
            {r.map((c, k) =>
              k === 0 ? (
                <th scope="row" key="0" class="wrap">
                  {c}
                </th>
              ) : (
                <td key={`${k}`} class={isNumber(k) ? "num" : ""}>
                  {c}
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);

const textOf = (s: Series) => s.last?.text ?? "–";

function Figure({ of: f, doc }: { of: Extract<Block, { kind: "figure" }>; doc: Finished }) {
  const ref = useRef<HTMLDivElement>(null);
  const seen = useVisible(ref);
  const grid = useMemo(() => gridOf(f.series), [f]);
  const data = useMemo(() => grid && { ...grid, lines: f.series.map((s, i) => ({ name: s.name, colour: colour(i), dash: dash(i), values: grid.columns[i] ?? [], hidden: false })) }, [grid, f]);
  if (data)
    return (
      <>
        <div class="rp-plot" ref={ref}>
          {seen ? <Chart title={f.title} data={data} span={doc} unit={f.unit} area={data.lines.length === 1} asTable={false} onTable={() => {}} /> : null}
        </div>
        <ul class="panel-legend">
          {f.series.slice(0, NAMES_MAX).map((s, i) => (
            <li class="chip" key={s.name}>
              <Swatch colour={colour(i)} />
              {s.name} <span class="strong num">{textOf(s)}</span>
            </li>
          ))}
          {f.series.length > NAMES_MAX ? <li>{t("rp.more", { n: f.series.length - NAMES_MAX })}</li> : null}
        </ul>
      </>
    );
  // Numbers of one moment, each with the words that stand beside it in the picture.
  if (f.series.length) return <Rows columns={[t("col.name"), t("col.value"), ...f.columns]} rows={f.series.map((s, i) => [s.name, textOf(s), ...(f.rows[i] ?? [])])} isNumber={(k) => k === 1} />;
  if (f.rows.length) return <Rows columns={f.columns} rows={f.rows} isNumber={() => false} />;
  return f.text ? <Words text={f.text} /> : <p class="soft">{t("panel.empty")}</p>;
}

/** Where numbers are from: a query leads to Explore, a route to its answer. */
function Sources({ of, from }: { of: Finished; from: readonly string[] }) {
  const all = [...new Set(from.filter(Boolean))];
  if (all.length === 0) return null;
  return (
    <details class="rp-source">
      <summary class="soft">{t("rp.source")}</summary>
      <ul>
        {all.map((s) => (
          <li key={s}>
            {s.startsWith("GET /") ? (
              <a href={s.slice(4)} target="_blank" rel="noreferrer">
                <code>{s}</code>
              </a>
            ) : (
              <a href={hrefOf("explore", { expr: s, range: { from: String(of.from), to: String(of.to) } })} onClick={follow}>
                <code>{s}</code>
              </a>
            )}
          </li>
        ))}
      </ul>
    </details>
  );
}
