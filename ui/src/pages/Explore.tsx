// Explore: ask in PromQL, see it as a chart and as a table.
export function Explore() {
  return null;
}
