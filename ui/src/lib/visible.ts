// Whether an element can be seen (in the viewport with some margin, in a tab that is shown), and how wide it is.
import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";

/** So far outside counts as in sight, px; pages scroll inside `main`, which a margin of the root does not reach beyond. */
const NEAR: IntersectionObserverInit & { scrollMargin: string } = { rootMargin: "120px", scrollMargin: "120px" };

export function useVisible(ref: RefObject<HTMLElement | null>): boolean {
  const [near, setNear] = useState(false);
  const [shown, setShown] = useState(!document.hidden);
  useEffect(() => {
    const el = ref.current;
    if (!el) return;
    const watch = new IntersectionObserver((all) => setNear(all.some((e) => e.isIntersecting)), NEAR);
    watch.observe(el);
    const change = () => setShown(!document.hidden);
    document.addEventListener("visibilitychange", change);
    return () => {
      watch.disconnect();
      document.removeEventListener("visibilitychange", change);
    };
  }, []);
  return near && shown;
}

export function useSize(ref: RefObject<HTMLElement | null>): { width: number; height: number } {
  const [size, setSize] = useState({ width: 0, height: 0 });
  useEffect(() => {
    const el = ref.current;
    if (!el) return;
    const watch = new ResizeObserver(([e]) => {
      if (e) setSize({ width: Math.floor(e.contentRect.width), height: Math.floor(e.contentRect.height) });
    });
    watch.observe(el);
    return () => watch.disconnect();
  }, []);
  return size;
}
