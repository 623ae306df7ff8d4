// Remote write 1.0 as Prometheus, VictoriaMetrics and Plimsoll take it, for seeding all three with the same samples: just
// enough protobuf, in a snappy block of literals.
const varint = (n) => {
  const out = [];
  let v = BigInt(n);
  while (v > 127n) {
    out.push(Number(v & 127n) | 128);
    v >>= 7n;
  }
  out.push(Number(v));
  return Buffer.from(out);
};
const bytes = (field, b) => Buffer.concat([varint((field << 3) | 2), varint(b.length), b]);
const label = (name, value) => bytes(1, Buffer.concat([bytes(1, Buffer.from(name)), bytes(2, Buffer.from(value))]));
const sample = ([ms, value]) => {
  const v = Buffer.alloc(9);
  v[0] = 9;
  v.writeDoubleLE(value, 1);
  return bytes(2, Buffer.concat([v, varint((2 << 3) | 0), varint(ms)]));
};
const series = ({ labels, samples }) => bytes(1, Buffer.concat([...Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => label(k, v)), ...samples.map(sample)]));

/** Literals of 60 kB each: valid snappy that packs nothing. */
function snappy(raw) {
  const out = [varint(raw.length)];
  for (let i = 0; i < raw.length; i += 60_000) {
    const part = raw.subarray(i, i + 60_000);
    const head = Buffer.alloc(3);
    head[0] = 61 << 2;
    head.writeUInt16LE(part.length - 1, 1);
    out.push(head, part);
  }
  return Buffer.concat(out);
}

export async function write(url, all) {
  const answer = await fetch(`${url}/api/v1/write`, {
    method: "POST",
    headers: { "content-type": "application/x-protobuf", "content-encoding": "snappy", "x-prometheus-remote-write-version": "0.1.0" },
    body: snappy(Buffer.concat(all.map(series))),
  });
  if (!answer.ok) throw new Error(`writing to ${url}: ${answer.status} ${(await answer.text()).trim()}`);
}

export const PANELS = 12;
export const SERIES = 20;
const STEP_MS = 5_000;
/** A walk with a period: the same numbers each time. */
const value = (panel, s, at) => 50 + 10 * panel + 20 * Math.sin(at / 600_000 + s) + ((Math.imul(at / STEP_MS + s * 7919, 2_654_435_761) >>> 0) / 2 ** 32) * 8;
const rowOf = (panel, s, times) => ({ labels: { __name__: `bench_panel_${panel}`, job: "bench", instance: `node-${String(s).padStart(2, "0")}` }, samples: times.map((at) => [at, value(panel, s, at)]) });

/** An hour of 12 × 20 series, every 5 s, until now. */
export async function seed(url, hours = 1) {
  const end = Math.floor(Date.now() / STEP_MS) * STEP_MS;
  const times = Array.from({ length: (hours * 3_600_000) / STEP_MS }, (_, i) => end - ((hours * 3_600_000) / STEP_MS - 1 - i) * STEP_MS);
  for (let p = 0; p < PANELS; p++) await write(url, Array.from({ length: SERIES }, (_, s) => rowOf(p, s, times)));
  return end;
}

/** Goes on writing a sample of each series every 5 s; the answer stops it. */
export function goOn(url) {
  const timer = setInterval(() => {
    const at = Math.floor(Date.now() / STEP_MS) * STEP_MS;
    void write(url, Array.from({ length: PANELS * SERIES }, (_, i) => rowOf(Math.floor(i / SERIES), i % SERIES, [at]))).catch(() => {});
  }, STEP_MS);
  return () => clearInterval(timer);
}
