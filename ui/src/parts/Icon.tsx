// The icons, drawn here: 20 units wide, one stroke, the colour of the text around them.
const PATHS = {
  overview: "M3 3h6v8H3zM11 3h6v5h-6zM3 13h6v4H3zM11 10h6v7h-6z",
  explore: "M9 3a6 6 0 1 0 0 12A6 6 0 0 0 9 3zM13.5 13.5 17.5 17.5",
  alerts: "M10 2.5a5 5 0 0 0-5 5v3.5L3.5 14h13L15 11V7.5a5 5 0 0 0-5-5zM8 16.5a2.1 2.1 0 0 0 4 0",
  dashboards: "M3 3h8v6H3zM13 3h4v6h-4zM3 11h5v6H3zM10 11h7v6h-7z",
  insights: "M7.5 14.5h5M8 17h4M10 2.5a5 5 0 0 0-3 9c.6.5.9 1.2 1 2h4c.1-.8.4-1.5 1-2a5 5 0 0 0-3-9z",
  up: "M10 16V4M5 9l5-5 5 5",
  down: "M10 4v12M5 11l5 5 5-5",
  useful: "M6.5 9v7.5H3.5V9zM6.5 9.5l3-6.5c1.2 0 2 .8 2 2v3h4a1.6 1.6 0 0 1 1.5 2l-1.3 5a2 2 0 0 1-2 1.5H6.5",
  undo: "M7 4 3 8l4 4M3 8h8.5a4.5 4.5 0 0 1 0 9H8",
  redo: "M13 4l4 4-4 4M17 8H8.5a4.5 4.5 0 0 0 0 9H12",
  copy: "M7 7h10v10H7zM13 7V3H3v10h4",
  trash: "M4 6h12M8 6V4h4v2M5.5 6l1 11h7l1-11",
  grip: "M7 5h.1M13 5h.1M7 10h.1M13 10h.1M7 15h.1M13 15h.1",
  rules: "M3 5h2M8 5h9M3 10h2M8 10h9M3 15h2M8 15h9",
  hosts: "M3 4h14v5H3zM3 11h14v5H3zM6 6.5h.1M6 13.5h.1",
  reports: "M4.5 2.5h7.5l3.5 3.5v11.5h-11zM12 2.5V6h3.5M7.5 10h5M7.5 13.5h5",
  status: "M2.5 10h3.5l2-5.5 3.5 11 2-5.5h4",
  refresh: "M16 10a6 6 0 1 1-1.8-4.3M16.5 2.5v4h-4",
  before: "M3 15.5l4-6 3 3 4-7 3 4M3 9.5h.1M6 6.5h.1M9 8.5h.1M12 4h.1",
  contrast: "M10 2.5a7.5 7.5 0 1 0 0 15zM10 2.5a7.5 7.5 0 0 1 0 15M10 6v8M12.5 5v10M15 7v6",
  forward: "M8 4l6 6-6 6",
  full: "M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4",
  download: "M10 3v9M6 8.5l4 4 4-4M3.5 16.5h13",
  mute: "M5 7.5v3.5L3.5 14H14M15 11V7.5a5 5 0 0 0-8.3-3.7M8 16.5a2.1 2.1 0 0 0 4 0M2.5 2.5l15 15",
  group: "M3 4h14M6 9h11M6 14h11",
  more: "M5 10h.1M10 10h.1M15 10h.1",
  plus: "M10 4v12M4 10h12",
  edit: "M4 16l.8-3.6L13.5 3.7l2.8 2.8-8.7 8.7zM11.5 5.7l2.8 2.8",
  link: "M8 12l4-4M9 5.5l1.5-1.5a3.2 3.2 0 0 1 4.5 4.5L13.5 10M11 14.5 9.5 16A3.2 3.2 0 0 1 5 11.5L6.5 10",
  back: "M12 4l-6 6 6 6",
  shadow: "M10 2.5a7.5 7.5 0 1 0 0 15zM10 2.5a7.5 7.5 0 0 1 0 15",
  book: "M4 3.5h9a3 3 0 0 1 3 3v10H7a3 3 0 0 1-3-3zM4 13.5a3 3 0 0 1 3-3h9",
  system: "M3 4h14v9H3zM7 17h6M10 13v4",
  light: "M10 6.5a3.5 3.5 0 1 0 0 7a3.5 3.5 0 0 0 0-7zM10 1.5v2M10 16.5v2M1.5 10h2M16.5 10h2M4 4l1.4 1.4M14.6 14.6 16 16M4 16l1.4-1.4M14.6 5.4 16 4",
  dark: "M16.5 12.5A7 7 0 0 1 7.5 3.5a7 7 0 1 0 9 9z",
  help: "M7.5 7.5a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1 .8-1 1.7M10 14.5v.5",
  clock: "M10 2.5a7.5 7.5 0 1 0 0 15a7.5 7.5 0 0 0 0-15zM10 6v4.5l3 1.5",
  pause: "M7 4v12M13 4v12",
  play: "M6 4l10 6-10 6z",
  search: "M9 3a6 6 0 1 0 0 12A6 6 0 0 0 9 3zM13.5 13.5 17.5 17.5",
  table: "M3 4h14v12H3zM3 8h14M3 12h14M9 4v12",
  chart: "M3 3v14h14M6 12l3-4 3 2 4-6",
  explain: "M3 4h10M6 8h11M9 12h6M6 16h7",
  info: "M10 2.5a7.5 7.5 0 1 0 0 15a7.5 7.5 0 0 0 0-15zM10 9.5v4M10 6.5v.3",
  close: "M5 5l10 10M15 5 5 15",
  eye: "M2 10s3-5 8-5 8 5 8 5-3 5-8 5-8-5-8-5zM10 8a2 2 0 1 0 0 4a2 2 0 0 0 0-4z",
  eyeoff: "M2 10s3-5 8-5 8 5 8 5-3 5-8 5-8-5-8-5zM3 3l14 14",
  ok: "M4 10.5 8 14.5 16 5.5",
  warning: "M10 3 18 16.5H2zM10 8v4M10 14v.5",
  critical: "M6.5 2.5h7l4 4v7l-4 4h-7l-4-4v-7zM10 6v5M10 13.5v.5",
  star: "M10 2.5l2.3 4.9 5.3.7-3.9 3.7 1 5.3-4.7-2.6-4.7 2.6 1-5.3-3.9-3.7 5.3-.7z",
  learning: "M10 3a7 7 0 1 1-7 7",
  chevron: "M5 8l5 5 5-5",
} as const;

export type IconName = keyof typeof PATHS;

export const Icon = ({ name, size = 18 }: { name: IconName; size?: number }) => (
  <svg class={`icon icon-${name}`} viewBox="0 0 20 20" width={size} height={size} aria-hidden="true" focusable="false">
    <path d={PATHS[name]} fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" />
  </svg>
);

/** The load line mark: the circle and line on a ship's side. */
export const Mark = () => (
  <svg class="mark" viewBox="0 0 32 32" width="26" height="26" aria-hidden="true" focusable="false">
    <circle cx="16" cy="16" r="9.5" fill="none" stroke="currentColor" stroke-width="3.5" />
    <path d="M1.5 16h29" stroke="currentColor" stroke-width="3.5" />
  </svg>
);
