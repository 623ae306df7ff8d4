// What Explore needs seldom, one chunk: the heat map, earlier queries, a panel for a dashboard.
export { BoardDialog } from "./BoardDialog";
export { EarlierDialog } from "./EarlierDialog";
export { heatOf } from "./Heat";
