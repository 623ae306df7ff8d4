// The dashboard that was removed last: the list offers to bring it back.
import { signal } from "@preact/signals";

export const removed = signal<{ id: string; title: string; version: number } | null>(null);
