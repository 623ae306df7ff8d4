// Whether a media query holds now; the component is drawn again when that changes.
import { useEffect, useState } from "preact/hooks";

export function useMedia(query: string): boolean {
  const [on, setOn] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const change = () => setOn(list.matches);
    change();
    list.addEventListener("change", change);
    return () => list.removeEventListener("change", change);
  }, [query]);
  return on;
}

/** Telephones, where lists have two lines a row. As in css/frame.css. */
export const useNarrow = () => useMedia("(max-width: 720px)");
