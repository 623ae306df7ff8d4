// Twelve line colours, each at least 3:1 against both backgrounds (palette.test.ts computes it),
// ordered so that neighbours differ in hue and lightness. Above eight series, lines also differ by dash.
export const LIGHT_GROUND = "#ffffff";
export const DARK_GROUND = "#141c22";

export const PALETTE = [
  "#2680c2",
  "#d9622b",
  "#2a9360",
  "#9b6fd3",
  "#b8860b",
  "#d64f87",
  "#1a97a6",
  "#8a7a66",
  "#6b8e23",
  "#e05252",
  "#6a7fdb",
  "#a8678f",
];

export const colour = (i: number) => PALETTE[i % PALETTE.length] as string;
export const dash = (i: number): number[] => (i < 8 ? [] : i < 16 ? [6, 3] : [2, 3]);

/** WCAG relative luminance of "#rrggbb". */
export function luminance(hex: string): number {
  const f = (at: number) => {
    const c = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * f(1) + 0.7152 * f(3) + 0.0722 * f(5);
}

export function contrast(a: string, b: string): number {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}
