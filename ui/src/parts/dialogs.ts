// Which dialog of the frame is open. At most one.
import { signal } from "@preact/signals";

export type DialogName = "help" | "palette" | "time" | "share" | "more";
export const dialog = signal<DialogName | null>(null);

/** What was typed while the palette was on its way, which takes it when it is there. */
let early = { text: "", entered: false };
export function typedEarly(key: string): boolean {
  if (key.length === 1) early.text += key;
  else if (key === "Enter") early.entered = true;
  else return false;
  return true;
}
export function takeEarly(): typeof early {
  const was = early;
  early = { text: "", entered: false };
  return was;
}

export const openDialog = (name: DialogName) => {
  takeEarly();
  dialog.value = name;
};
export const closeDialog = () => {
  dialog.value = null;
};
