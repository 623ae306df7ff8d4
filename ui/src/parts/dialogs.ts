// Which dialog is open. At most one.
import { signal } from "@preact/signals";

export type DialogName = "help" | "palette" | "time";
export const dialog = signal<DialogName | null>(null);
export const openDialog = (name: DialogName) => {
  dialog.value = name;
};
export const closeDialog = () => {
  dialog.value = null;
};
