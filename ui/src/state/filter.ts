// Where the `/` key goes: the field that the shown page names as its query or filter box. At most one.
let focusIt: (() => void) | null = null;

/** Names the field; the answer takes the name back. */
export function offerFilter(focus: () => void): () => void {
  focusIt = focus;
  return () => {
    if (focusIt === focus) focusIt = null;
  };
}

export const focusFilter = () => focusIt?.();
