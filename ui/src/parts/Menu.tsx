// A button that opens a list of things to do, on the native popover: Escape and a click elsewhere close it, arrows walk.
import type { ComponentChildren } from "preact";
import type { RefObject } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { follow } from "../state/url";
import { Icon, type IconName } from "./Icon";

export interface MenuItem {
  label: string;
  icon: IconName;
  href?: string;
  onPick?: () => void;
}

interface Props {
  label: string;
  icon?: IconName;
  items: MenuItem[];
  /** beside the icon */
  text?: ComponentChildren;
  kind?: string;
}

/** Room to the edges of the window, px. */
const EDGE_PX = 8;

/** Puts an open popover under its button, or above where there is more room. */
export const placeAt = (pop: HTMLElement, button: HTMLElement): void => placeBy(pop, button.getBoundingClientRect());

function placeBy(pop: HTMLElement, b: DOMRect): void {
  const p = pop.getBoundingClientRect();
  const below = innerHeight - b.bottom - EDGE_PX;
  pop.style.left = `${Math.max(EDGE_PX, Math.min(innerWidth - p.width - EDGE_PX, b.right - p.width < EDGE_PX ? b.left : b.right - p.width))}px`;
  pop.style.top = `${p.height <= below || below > b.top ? b.bottom + 2 : Math.max(EDGE_PX, b.top - p.height - 2)}px`;
}

export function Menu({ label, icon = "more", items, text, kind = "" }: Props) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const pop = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  const toggled = (e: Event) => {
    const now = (e as ToggleEvent).newState === "open";
    setOpen(now);
    if (!now || !pop.current || !button.current) return;
    placeAt(pop.current, button.current);
    requestAnimationFrame(() => pop.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus());
  };
  const back = () => button.current?.focus();
  return (
    <>
      <button ref={button} type="button" class={`button ${text ? "" : "button-icon"} ${kind}`} aria-label={label} title={label} aria-haspopup="menu" aria-expanded={open} popovertarget={id}>
        <Icon name={icon} size={16} />
        {text}
      </button>
      <div ref={pop} id={id} popover="auto" role="menu" aria-label={label} class="menu" onToggle={toggled} onKeyDown={walk(pop, back)}>
        {open ? <Items items={items} pop={pop} onBack={back} /> : null}
      </div>
    </>
  );
}

const walk = (pop: RefObject<HTMLElement | null>, back: () => void) => (e: KeyboardEvent) => {
  const all = [...(pop.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
  const at = all.indexOf(document.activeElement as HTMLElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 }[e.key];
  e.stopPropagation();
  if (e.key === "Tab") pop.current?.hidePopover();
  if (e.key === "Escape") {
    e.preventDefault();
    pop.current?.hidePopover();
    back();
  }
  if (to === undefined) return;
  e.preventDefault();
  all[to % all.length]?.focus();
};

function Items({ items, pop, onBack }: { items: MenuItem[]; pop: RefObject<HTMLElement | null>; onBack: () => void }) {
  return (
    <>
      {items.map((i) =>
        i.href !== undefined ? (
          <a
            key={i.label}
            role="menuitem"
            tabIndex={-1}
            class="menu-item"
            href={i.href}
            onClick={(e) => {
              pop.current?.hidePopover();
              follow(e);
            }}
          >
            <Icon name={i.icon} size={15} />
            {i.label}
          </a>
        ) : (
          <button
            type="button"
            key={i.label}
            role="menuitem"
            tabIndex={-1}
            class="menu-item"
            onClick={() => {
              pop.current?.hidePopover();
              onBack();
              i.onPick?.();
            }}
          >
            <Icon name={i.icon} size={15} />
            {i.label}
          </button>
        ),
      )}
    </>
  );
}

/** The same list where somebody pointed, of what is there. */
export function MenuAt({ label, x, y, items, onClose }: { label: string; x: number; y: number; items: MenuItem[]; onClose: () => void }) {
  const pop = useRef<HTMLDivElement>(null);
  const opener = useRef(document.activeElement as HTMLElement | null);
  const back = () => opener.current?.focus();
  useEffect(() => {
    const el = pop.current;
    if (!el) return;
    el.showPopover();
    placeBy(el, new DOMRect(x, y, 0, 0));
    el.querySelector<HTMLElement>("[role=menuitem]")?.focus();
  }, [x, y]);
  return (
    <div ref={pop} popover="auto" role="menu" aria-label={label} class="menu" onToggle={(e) => (e as Event as ToggleEvent).newState === "closed" && onClose()} onKeyDown={walk(pop, back)}>
      <p class="menu-head">{label}</p>
      <Items items={items} pop={pop} onBack={back} />
    </div>
  );
}
