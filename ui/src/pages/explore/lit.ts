// The part of the query that somebody points at elsewhere on the page: the editor lights it up.
import { signal } from "@preact/signals";

export interface Part {
  /** the whole query */
  text: string;
  from: number;
  to: number;
}

export const lit = signal<Part | null>(null);
