// What is open on the page, as the breadcrumb and the title of the tab name it; empty for nothing.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

export const crumb = signal("");

/** Names what is open for as long as the component lives. */
export function useCrumb(name: string): void {
  useEffect(() => {
    crumb.value = name;
    return () => {
      if (crumb.value === name) crumb.value = "";
    };
  }, [name]);
}
