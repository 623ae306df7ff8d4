// The geometry of a load line: how full a thing is, its marks, and where the forecast points. Pure; all values in [0, 1].
import type { Resource } from "../api/types";

export type Level = "ok" | "warning" | "critical";

export interface LoadLineShape {
  fill: number;
  warning: number;
  critical: number;
  level: Level;
  /** from the end of the fill to where it will be in a week, if nothing changes; null when nothing is known or it stands still */
  arrow: { from: number; to: number } | null;
  /** how much of the learning time has passed; null when not learning */
  learned: number | null;
}

const HORIZON_DAYS = 7;
/** Shorter arrows are invisible at 200 px. */
const ARROW_MIN = 0.015;

const unit = (v: number | undefined, otherwise: number) => (v === undefined || !Number.isFinite(v) ? otherwise : Math.min(1, Math.max(0, v)));

export function loadLine(r: Resource): LoadLineShape {
  const fill = unit(r.ratio, unit(r.used / r.limit, 0));
  const warning = unit(r.warning, 0.8);
  const critical = Math.max(warning, unit(r.critical, 0.9));
  const p50 = r.forecast?.days?.p50;
  let arrow: LoadLineShape["arrow"] = null;
  if (r.forecast?.state === "ok" && typeof p50 === "number" && Number.isFinite(p50) && p50 >= 0) {
    const grown = (1 - fill) * Math.min(1, HORIZON_DAYS / Math.max(p50, 0.01));
    if (grown >= ARROW_MIN) arrow = { from: fill, to: fill + grown };
  }
  return {
    fill,
    warning,
    critical,
    level: fill >= critical ? "critical" : fill >= warning ? "warning" : "ok",
    arrow,
    learned: r.forecast?.state === "learning" ? unit(r.forecast.learned_ratio, 0) : null,
  };
}
