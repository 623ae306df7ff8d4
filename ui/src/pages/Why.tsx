// What explains a window of a chart: the window itself, what changed then, and the series that stood out, over any page.
import "../css/rules.css";
import "../css/insights.css";
import "../css/why.css";
import "../lib/textAlerting";
import "../lib/textInsight";
import { useMemo } from "preact/hooks";
import { formatDateTime, formatDuration } from "../lib/format";
import { t } from "../lib/text";
import { Dialog } from "../parts/Dialog";
import { Icon } from "../parts/Icon";
import { QueryChart } from "../parts/QueryChart";
import { Empty } from "../parts/states";
import { follow, hrefOf, patch, url, zone } from "../state/url";
import { Causes } from "./insights/Causes";
import { windowIn } from "./why";

export function Why() {
  const { why } = url.value;
  const of = useMemo(() => windowIn(why, Date.now()), [why]);
  const close = () => patch({ why: "" });
  if (!why) return null;
  if (!of)
    return (
      <Dialog title={t("why.title")} kind="dialog-why" onClose={close}>
        <Empty>{t("why.gone")}</Empty>
      </Dialog>
    );
  const { span, query } = of;
  const long = span.to - span.from;
  const around = { from: String(Math.round(span.from - long)), to: String(Math.min(Date.now(), Math.round(span.to + long / 2))) };
  const before = `${span.from - long}~${span.from}`;
  return (
    <Dialog title={t("why.title")} kind="dialog-why" onClose={close}>
      <p class="num">{t("why.window", { from: formatDateTime(span.from, zone.value), to: formatDateTime(span.to, zone.value), d: formatDuration(long) })}</p>
      <QueryChart key={why} title={query} asks={[{ id: "w", expr: query }]} range={around} shades={[span]} noWhy />
      <code class="expr mono">{query}</code>
      <div class="acts">
        <a class="button" href={hrefOf("explore", { expr: query, range: { from: String(span.from), to: String(span.to) }, live: false })} onClick={follow}>
          <Icon name="search" size={15} />
          {t("why.zoom")}
        </a>
        <a class="button" href={hrefOf("compare", { params: { a: before, b: `${span.from}~${span.to}` } })} onClick={follow}>
          <Icon name="chart" size={15} />
          {t("why.compare")}
        </a>
      </div>
      <Causes key={`causes ${why}`} query={query} window={span} />
    </Dialog>
  );
}
