// Which dialog of the frame is open. At most one.
import { signal } from "@preact/signals";

export type DialogName = "help" | "palette" | "time" | "share" | "more";
export const dialog = signal<DialogName | null>(null);
export const openDialog = (name: DialogName) => {
  dialog.value = name;
};
export const closeDialog = () => {
  dialog.value = null;
};
