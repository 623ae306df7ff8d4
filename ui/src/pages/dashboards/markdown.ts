// A small markdown: headings, paragraphs, lists, quotes, code, tables, rules, and inside of lines bold, italic, code, links and
// struck text. Everything else is text: no HTML is ever made of what somebody wrote. Pure: text in, a tree out.

export type Inline = { kind: "text" | "code"; text: string } | { kind: "bold" | "italic" | "strike"; of: Inline[] } | { kind: "link"; href: string; of: Inline[] };

export type Block =
  | { kind: "heading"; level: number; of: Inline[] }
  | { kind: "paragraph"; of: Inline[] }
  | { kind: "quote"; of: Inline[] }
  | { kind: "code"; text: string }
  | { kind: "list"; ordered: boolean; items: Inline[][] }
  | { kind: "table"; head: Inline[][]; rows: Inline[][][] }
  | { kind: "rule" };

/** Blocks of one text, at most. */
export const BLOCKS_MAX = 500;
const DEPTH_MAX = 6;

/** Only addresses that lead to a page: ours, or http(s) and mail. */
export function safeHref(href: string): string | null {
  const h = href.trim();
  if (/^(https?:\/\/|mailto:)/i.test(h)) return h;
  return /^(\/(?![/\\])|[?#])/.test(h) ? h : null;
}

const MARK = /(`+)([^`]+?)\1|\*\*(.+?)\*\*|__(.+?)__|\*([^*\s](?:[^*]*[^*\s])?)\*|(?<!\w)_([^_\s](?:[^_]*[^_\s])?)_(?!\w)|~~(.+?)~~|\[([^\]]+)\]\(([^()\s]+(?:\([^()\s]*\))?)(?:\s+"[^"]*")?\)|<(https?:\/\/[^\s>]+)>/s;

/** What stands in a line. */
export function inline(text: string, depth = 0): Inline[] {
  const out: Inline[] = [];
  let rest = text;
  while (rest) {
    const m = depth < DEPTH_MAX ? MARK.exec(rest) : null;
    if (!m) break;
    if (m.index > 0) out.push({ kind: "text", text: rest.slice(0, m.index) });
    const [, , code, bold, bold2, italic, italic2, strike, label, href, auto] = m;
    const deeper = (t: string) => inline(t, depth + 1);
    const to = safeHref(href ?? auto ?? "");
    if (code !== undefined) out.push({ kind: "code", text: code.trim() });
    else if (bold ?? bold2) out.push({ kind: "bold", of: deeper(bold ?? bold2 ?? "") });
    else if (italic ?? italic2) out.push({ kind: "italic", of: deeper(italic ?? italic2 ?? "") });
    else if (strike) out.push({ kind: "strike", of: deeper(strike) });
    else if (to) out.push({ kind: "link", href: to, of: label ? deeper(label) : [{ kind: "text", text: auto ?? "" }] });
    else out.push({ kind: "text", text: label ?? m[0] });
    rest = rest.slice(m.index + m[0].length);
  }
  if (rest) out.push({ kind: "text", text: rest });
  return out;
}

const cells = (line: string) => line.trim().replace(/^\||\|$/g, "").split("|").map((c) => inline(c.trim()));

export function markdown(text: string): Block[] {
  // What tools write for a line break or a comment is none of ours; the words stay.
  const lines = text.replace(/\r\n?/g, "\n").replace(/<!--[\s\S]*?-->/g, "").replace(/<br\s*\/?>/gi, "\n").replace(/<\/?[a-z][^<>]*>/gi, (tag) => (/^<https?:/i.test(tag) ? tag : "")).split("\n");
  const out: Block[] = [];
  for (let i = 0; i < lines.length && out.length < BLOCKS_MAX; ) {
    const line = lines[i] ?? "";
    const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line);
    if (!line.trim()) i++;
    else if (/^\s*(```|~~~)/.test(line)) {
      const end = lines.findIndex((l, k) => k > i && /^\s*(```|~~~)\s*$/.test(l));
      const to = end < 0 ? lines.length : end;
      out.push({ kind: "code", text: lines.slice(i + 1, to).join("\n") });
      i = to + 1;
    } else if (heading) {
      out.push({ kind: "heading", level: (heading[1] ?? "#").length, of: inline(heading[2] ?? "") });
      i++;
    } else if (/^\s*([-*_])\s*(\1\s*){2,}$/.test(line)) {
      out.push({ kind: "rule" });
      i++;
    } else if (/^\s*>/.test(line)) {
      const from = i;
      while (/^\s*>/.test(lines[i] ?? "")) i++;
      out.push({ kind: "quote", of: inline(lines.slice(from, i).map((l) => l.replace(/^\s*>\s?/, "")).join("\n")) });
    } else if (/^\s*([-*+]|\d+[.)])\s+/.test(line)) {
      const ordered = /^\s*\d/.test(line);
      const items: string[] = [];
      for (; i < lines.length && (lines[i] ?? "").trim(); i++) {
        const l = lines[i] ?? "";
        const item = /^\s*([-*+]|\d+[.)])\s+(.*)$/.exec(l);
        if (item) items.push(item[2] ?? "");
        else items[items.length - 1] += ` ${l.trim()}`;
      }
      out.push({ kind: "list", ordered, items: items.map((x) => inline(x)) });
    } else if (line.includes("|") && /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/.test(lines[i + 1] ?? "")) {
      const head = cells(line);
      const rows: Inline[][][] = [];
      for (i += 2; i < lines.length && (lines[i] ?? "").includes("|"); i++) rows.push(cells(lines[i] ?? ""));
      out.push({ kind: "table", head, rows });
    } else {
      const from = i;
      while (i < lines.length && (lines[i] ?? "").trim() && !(i > from && /^(\s*(```|~~~|>|[-*+]\s|\d+[.)]\s)|#{1,6}\s)/.test(lines[i] ?? ""))) i++;
      out.push({ kind: "paragraph", of: inline(lines.slice(from, i).join("\n")) });
    }
  }
  return out;
}
