// One series with what was expected of it and what is usual, over the time of the page.
import { useMemo, useState } from "preact/hooks";
import { fetchBands } from "../../api/insight";
import { bandPlot } from "../../charts/band";
import { Chart } from "../../charts/Chart";
import { colour } from "../../charts/palette";
import { youngSince } from "../../charts/young";
import { guessUnit, type Unit } from "../../lib/format";
import { t } from "../../lib/text";
import { resolveRange } from "../../lib/time";
import { Empty, Failed, Loading } from "../../parts/states";
import { usePoll } from "../../state/poll";
import { url } from "../../state/url";

const EVERY_MS = 60_000;
/** Points that are asked for: more are not seen. */
const POINTS = 400;
const STEP_MIN_S = 15;

export function BandChart({ query, unit, title }: { query: string; unit?: Unit | undefined; title: string }) {
  const [asTable, setAsTable] = useState(false);
  const { range } = url.value;
  const asked = usePoll(
    `band ${query} ${range.from} ${range.to}`,
    async (signal) => {
      const now = Date.now();
      const span = resolveRange(range, now) ?? { from: now - 6 * 3_600_000, to: now };
      return { span, bands: await fetchBands(query, span, Math.max(STEP_MIN_S, Math.round((span.to - span.from) / 1000 / POINTS)), signal) };
    },
    EVERY_MS,
  );
  const first = asked.data?.bands[0];
  const data = useMemo(() => (first ? bandPlot(first, colour(0)) : null), [first]);
  if (!asked.data) return asked.error ? <Failed message={asked.error} onRetry={asked.again} /> : <Loading />;
  if (!data || data.n === 0) return <Empty>{t("band.none")}</Empty>;
  return (
    <>
      <div class="query-chart">
        <Chart title={title} data={data} span={{ from: youngSince(data, asked.data.span)?.from ?? asked.data.span.from, to: asked.data.span.to }} unit={unit ?? guessUnit(query)} asTable={asTable} onTable={() => setAsTable(!asTable)} />
      </div>
      <p class="soft">{data.shades?.length ? t("band.alarms", { n: data.shades.length }) : t("band.quiet")}</p>
    </>
  );
}
