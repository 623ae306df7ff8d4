// A sparkline: the shape of a few values in a word's height, without axes. What it shows is told in words beside it.
const WIDTH = 96;
const HEIGHT = 24;

/** The path of the values; gaps stay gaps. Pure. */
export function sparkPath(values: ArrayLike<number>, width = WIDTH, height = HEIGHT, floor?: number): string {
  let min = floor ?? Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const v = values[i] as number;
    if (!Number.isFinite(v)) continue;
    if (v < min) min = v;
    if (v > max) max = v;
  }
  if (max === Number.NEGATIVE_INFINITY) return "";
  const span = max - min || 1;
  const y = (v: number) => (max === min ? height / 2 : height - 2 - ((v - min) / span) * (height - 4));
  let out = "";
  let open = false;
  for (let i = 0; i < values.length; i++) {
    const v = values[i] as number;
    if (!Number.isFinite(v)) {
      open = false;
      continue;
    }
    const x = values.length > 1 ? (i / (values.length - 1)) * width : width / 2;
    out += `${open ? "L" : "M"}${x.toFixed(1)} ${y(v).toFixed(1)}`;
    open = true;
  }
  return out;
}

export const Spark = ({ values, floor, kind = "" }: { values: ArrayLike<number>; floor?: number; kind?: string }) => (
  <svg class={`spark ${kind}`} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true" focusable="false">
    <path d={sparkPath(values, WIDTH, HEIGHT, floor)} fill="none" stroke="currentColor" stroke-width="1.5" vector-effect="non-scaling-stroke" stroke-linejoin="round" />
  </svg>
);
