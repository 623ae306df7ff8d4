// Keys that the shown page wants for itself, after those of the frame. At most one page listens.
type Listener = (e: KeyboardEvent) => boolean;
let listener: Listener | null = null;

/** Listens until the answer is called. The listener says whether it took the key. */
export function offerKeys(take: Listener): () => void {
  listener = take;
  return () => {
    if (listener === take) listener = null;
  };
}

export const giveToPage = (e: KeyboardEvent): boolean => listener?.(e) ?? false;
