// A button that opens a list of things to do, on the native popover: Escape and a click elsewhere close it, arrows walk.
import type { ComponentChildren } from "preact";
import { useId, useRef, useState } from "preact/hooks";
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
export function placeAt(pop: HTMLElement, button: HTMLElement): void {
  const b = button.getBoundingClientRect();
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
  const close = () => pop.current?.hidePopover();
  const onKeyDown = (e: KeyboardEvent) => {
    const all = [...(pop.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 }[e.key];
    e.stopPropagation();
    if (e.key === "Tab") close();
    if (e.key === "Escape") {
      e.preventDefault();
      close();
      button.current?.focus();
    }
    if (to === undefined) return;
    e.preventDefault();
    all[to % all.length]?.focus();
  };
  return (
    <>
      <button ref={button} type="button" class={`button ${text ? "" : "button-icon"} ${kind}`} aria-label={label} title={label} aria-haspopup="menu" aria-expanded={open} popovertarget={id}>
        <Icon name={icon} size={16} />
        {text}
      </button>
      <div ref={pop} id={id} popover="auto" role="menu" aria-label={label} class="menu" onToggle={toggled} onKeyDown={onKeyDown}>
        {open
          ? items.map((i) =>
              i.href !== undefined ? (
                <a
                  key={i.label}
                  role="menuitem"
                  tabIndex={-1}
                  class="menu-item"
                  href={i.href}
                  onClick={(e) => {
                    close();
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
                    close();
                    button.current?.focus();
                    i.onPick?.();
                  }}
                >
                  <Icon name={i.icon} size={15} />
                  {i.label}
                </button>
              ),
            )
          : null}
      </div>
    </>
  );
}
