// A modal dialog on the native element: focus moves in, Escape closes, focus returns to the opener.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../lib/text";
import { Icon } from "./Icon";

interface Props {
  title: string;
  kind?: string;
  onClose: () => void;
  children: ComponentChildren;
}

export function Dialog({ title, kind = "", onClose, children }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const opener = document.activeElement as HTMLElement | null;
    ref.current?.showModal();
    ref.current?.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => opener?.focus?.();
  }, []);
  // Pressed and let go there: who marks words may let go outside, and who scrolls only presses.
  const pressed = useRef(false);
  const backdrop = (e: MouseEvent) => {
    const there = e.target === ref.current;
    if (e.type === "mousedown") pressed.current = there;
    else if (there && pressed.current) onClose();
  };
  // The browser tells of its own closing a task later; a key pressed in between would be taken for one in the dialog.
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.key !== "Escape" || e.isComposing) return;
    e.preventDefault();
    onClose();
  };
  return (
    <dialog ref={ref} class={`dialog ${kind}`} aria-label={title} onClose={onClose} onKeyDown={onKeyDown} onMouseDown={backdrop} onClick={backdrop}>
      <div class="dialog-body">
        <header class="dialog-head">
          <h2>{title}</h2>
          <button type="button" class="button button-icon" aria-label={t("common.close")} onClick={onClose}>
            <Icon name="close" />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
