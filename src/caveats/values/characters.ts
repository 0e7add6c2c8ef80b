/** Character codes that the hand-written scanners of this folder compare with. */
export const CODE = {
  space: 0x20,
  quote: 0x22,
  plus: 0x2b,
  minus: 0x2d,
  dot: 0x2e,
  zero: 0x30,
  nine: 0x39,
  colon: 0x3a,
  upperE: 0x45,
  upperT: 0x54,
  upperZ: 0x5a,
  backslash: 0x5c,
  lowerE: 0x65,
  lowerT: 0x74,
  lowerZ: 0x7a,
} as const;

/** Whether a character code is an ASCII digit. NaN, the code past the end of a text, is not. */
export function isDigit(code: number): boolean {
  return code >= CODE.zero && code <= CODE.nine;
}

/** Whether a text consists of ASCII digits only and is not empty. */
export function areDigits(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (!isDigit(text.charCodeAt(at))) return false;
  return text !== "";
}

/**
 * Whether a text may stand in a caveat: well-formed Unicode without control characters (C0, DEL and C1) and
 * within {@link canNormalise}.
 *
 * A control character would let a caveat look different in a log or a terminal from its text, and a
 * lone surrogate has no UTF-8 form, so two different texts would be signed as the same bytes.
 */
export function isClean(text: string): boolean {
  let ascii = true;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return false;
    if (code > 0x7f) ascii = false;
  }
  return ascii || (text.isWellFormed() && canNormalise(text));
}

/** Whether every character of a text is ASCII. */
export function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}

// Marks and not only the non-starters among them: a property that regular expressions know.
const LONG_MARKS = /\p{M}{31}/u;

/**
 * Whether a text can be normalised in linear time: no more than 30 combining marks in a row, as in the
 * Stream-Safe Text Format (UAX #15 §13). The engine sorts marks by insertion, so 128,000 of them, in a request
 * of 256 KB, take it twenty seconds.
 */
export function canNormalise(text: string): boolean {
  return !LONG_MARKS.test(text);
}

/** Whether a text begins or ends with white space of any script. */
export function hasEdgeSpace(text: string): boolean {
  return text.trim().length !== text.length;
}
