// The load line: how full a thing is, where its marks are, where it is heading, and when it will be full.
import type { Resource } from "../api/types";
import { loadLine } from "../charts/loadline";
import { formatValue, type Unit } from "../lib/format";
import { t, type TextKey } from "../lib/text";

const pct = (v: number) => formatValue(v, "ratio");
const at = (v: number) => `${(v * 100).toFixed(2)}%`;

function amount(v: number, unit: string): string {
  const known: Unit = unit === "bytes" ? "bytes" : unit === "ratio" ? "ratio" : unit === "seconds" ? "seconds" : "short";
  return formatValue(v, known);
}

/** Counts carry the name of what is counted; bytes carry their unit already. */
const OF: Record<string, TextKey> = { cpu: "load.of.cpu", inodes: "load.of.inodes", files: "load.of.files" };
const ofText = (r: Resource) => OF[r.id.split(/[:@]/)[0] ?? ""] ?? "load.of";

interface Props {
  resource: Resource;
  /** how full it would be under another load, 0 to 1 and above */
  then?: number | undefined;
  /** where the safe load ends, 0 to 1, when that is not the warning mark */
  safe?: number | undefined;
}

export function LoadLine({ resource: r, then, safe }: Props) {
  const s = loadLine(r);
  const text = r.forecast?.text ?? "";
  return (
    <div
      class={`load load-${s.level}`}
      role="meter"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(s.fill * 1000) / 10}
      aria-label={r.title}
      aria-valuetext={t("load.aria", { title: r.title, pct: pct(s.fill), warning: pct(s.warning), critical: pct(s.critical), text })}
    >
      <div class="load-head">
        <span class="load-title">{r.title.charAt(0).toUpperCase() + r.title.slice(1)}</span>
        <span class="num load-pct">{pct(s.fill)}</span>
      </div>
      <div class="load-track">
        <div class="load-zone load-zone-warning" style={{ left: at(s.warning), width: at(s.critical - s.warning) }} />
        <div class="load-zone load-zone-critical" style={{ left: at(s.critical), width: at(1 - s.critical) }} />
        <div class="load-fill" style={{ width: at(s.fill) }} />
        {s.arrow ? <div class="load-arrow" style={{ left: at(s.arrow.from), width: at(s.arrow.to - s.arrow.from) }} /> : null}
        {safe !== undefined && Math.abs(safe - s.warning) > 0.005 ? <div class="load-safe" style={{ left: at(Math.min(1, safe)) }} /> : null}
        {then === undefined ? null : <div class="load-then" style={{ left: at(Math.min(1, Math.max(0, then))) }} />}
        <div class="load-mark load-mark-warning" style={{ left: at(s.warning) }} />
        <div class="load-mark load-mark-critical" style={{ left: at(s.critical) }} />
      </div>
      <div class="load-foot">
        <span class="soft num">{t(ofText(r), { used: amount(r.used, r.unit), limit: amount(r.limit, r.unit) })}</span>
        <span class="load-text">
          {s.learned !== null ? (
            <span class="load-learn" aria-hidden="true">
              <span class="load-learn-fill" style={{ width: at(s.learned) }} />
            </span>
          ) : null}
          {text}
        </span>
      </div>
    </div>
  );
}
