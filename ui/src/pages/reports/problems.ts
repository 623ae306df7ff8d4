// What the server finds wrong with a report is one sentence: `title: …; sections[0].text: …`. Pure.
const PATH = /(?:^|; )((?:id|title|period|timezone|sections|schedule)(?:\[\d+\])?(?:\.\w+)?): /g;

/** What is wrong, by the path of its field; empty when the sentence names none. */
export function problemsOf(message: string): Map<string, string> {
  const found = [...message.matchAll(PATH)];
  return new Map(found.map((m, i) => [m[1] ?? "", message.slice(m.index + m[0].length, found[i + 1]?.index)]));
}

/** A name for addresses, of a title. */
export const idOf = (title: string) =>
  title
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, " ")
    .trim()
    .replaceAll(" ", "-")
    .slice(0, 100);
