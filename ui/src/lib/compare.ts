// An alert's expression as the thing that is measured and the number that it is compared with. Pure.
export interface Comparison {
  left: string;
  op: string;
  threshold: number;
}

const NUMBER = /^\s*[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?|inf)\s*$/i;
const FLIPPED: Record<string, string> = { ">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "==", "!=": "!=" };
/** Strings, comments, words and operators, or one letter: what is inside a string or a word is no operator. */
const TOKEN = /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`|#[^\n]*|[a-zA-Z_][\w:.]*|>=|<=|==|!=|=~|!~|[\s\S]/g;

const numberOf = (text: string) => (NUMBER.test(text) ? Number(text.trim().replace(/^([-+]?)inf$/i, "$1Infinity")) : null);

/** The comparison at the top of an expression, if one side is a plain number; null where there is none, or `and`, `or`, `unless`. */
export function comparisonOf(expr: string): Comparison | null {
  let depth = 0;
  let at: { from: number; to: number; op: string } | null = null;
  for (const { 0: token, index } of expr.matchAll(TOKEN)) {
    if ("([{".includes(token)) depth++;
    else if (")]}".includes(token)) depth--;
    else if (depth > 0) continue;
    if (depth < 0) return null;
    if (/^(and|or|unless)$/i.test(token)) return null;
    else if (/^([<>]=?|[=!]=)$/.test(token)) at = { from: index, to: index + token.length, op: token };
  }
  if (!at || depth !== 0) {
    const inner = /^\s*\(([\s\S]*)\)\s*$/.exec(expr)?.[1];
    return inner !== undefined && at === null ? comparisonOf(inner) : null;
  }
  const [left, right] = [expr.slice(0, at.from), expr.slice(at.to).replace(/^\s*bool\b/, "")];
  const [l, r] = [numberOf(left), numberOf(right)];
  if (r !== null && l === null) return { left: left.trim(), op: at.op, threshold: r };
  if (l !== null && r === null) return { left: right.trim(), op: FLIPPED[at.op] ?? at.op, threshold: l };
  return null;
}
