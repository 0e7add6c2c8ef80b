import { spend, type Work } from "./work.ts";

// The cost of a step of the search, in simple looks at a character.
const CHARACTER_COST = 6;
/** The cost of the table of a piece of several characters. */
const TABLE_COST = 24;

/**
 * The first place of a piece of a character at least between two positions of a text, or -1 also once the allowance is used up.
 *
 * Knuth, Morris and Pratt: linear in both lengths. The engine's own search is quadratic at worst (a thousand
 * `a` and a `b`, in a text of `a`), which the author of a caveat would get to choose.
 */
export function findWithin(text: string, piece: string, from: number, to: number, work: Work): number {
  if (piece.length > to - from) return -1;
  if (piece.length === 1) {
    const code = piece.charCodeAt(0);
    let at = from;
    while (at < to && text.charCodeAt(at) !== code) at++;
    return spend(work, CHARACTER_COST * (at - from + 1)) && at < to ? at : -1;
  }
  const borders = bordersOf(piece);
  let matched = 0;
  let at = from;
  while (at < to && matched < piece.length) {
    const code = text.charCodeAt(at++);
    while (matched > 0 && piece.charCodeAt(matched) !== code) matched = borders[matched - 1] as number;
    if (piece.charCodeAt(matched) === code) matched++;
  }
  return spend(work, TABLE_COST + CHARACTER_COST * (at - from + piece.length)) && matched === piece.length
    ? at - matched
    : -1;
}

/** For each prefix, the length of its longest proper prefix that is also its end. */
function bordersOf(piece: string): Uint32Array {
  const borders = new Uint32Array(piece.length);
  let length = 0;
  for (let at = 1; at < piece.length; at++) {
    const code = piece.charCodeAt(at);
    while (length > 0 && piece.charCodeAt(length) !== code) length = borders[length - 1] as number;
    if (piece.charCodeAt(length) === code) length++;
    borders[at] = length;
  }
  return borders;
}
