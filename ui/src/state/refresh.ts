// Counts up when somebody wants everything on the page asked for anew.
import { signal } from "@preact/signals";

export const refreshes = signal(0);
export const refresh = () => {
  refreshes.value++;
};
