/** Characters of a value that an explanation shows before it cuts. */
export const SHOWN_CHARACTERS = 80;

// Every character that a terminal or a browser would not show as itself: controls, format characters (bidirectional
// overrides, zero width), private and unassigned ones, lone surrogates, separators, and all that is
// ignorable by default (fillers, variation selectors).
const UNSAFE = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/gu;
const UNSAFE_IN_QUOTES = /["\\\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/gu;
// Nearly every text that is shown: the search for unsafe characters, with all that it knows of Unicode, is slow.
const SAFE = /^[ !#-[\]-~]*$/;
// No space and no quote, so that a value can't continue the sentence it stands in.
const PLAIN = /^[A-Za-z0-9*_/][A-Za-z0-9_.:/@*+#-]*$/;

// Words that would change a sentence's meaning if they stood in it as bare values: `action = anything`.
// An expression, because to split every value that is shown costs more than all else in a sentence.
const LOADED =
  /(?<![a-z])(?:all|always|and|any|anyone|anything|but|else|every|everyone|everything|except|forever|if|never|no|none|not|nothing|only|or|than|then|unless|unlimited|until|whatever|when|with|without)(?![a-z])/i;

/** A text in quotes, with everything escaped that could deceive a reader, cut at a sane length. */
export function quote(text: string, most: number = SHOWN_CHARACTERS): string {
  const shown = escaped(text, most, true);
  return `"${shown.text}"${shown.cut ? "…" : ""}`;
}

/** A text as itself if it is one plain word that can't be misread, else in quotes. */
export function bareOrQuoted(text: string, most: number = SHOWN_CHARACTERS): string {
  const bare = text.length <= most && PLAIN.test(text) && !LOADED.test(text);
  return bare ? text : quote(text, most);
}

/** A text without quotes, for a place of its own: unsafe characters escaped, cut at a sane length. */
export function printable(text: string, most: number): string {
  if (text.length <= most && SAFE.test(text)) return text;
  const shown = escaped(text, most, false);
  return shown.cut ? `${shown.text}…` : shown.text;
}

function escaped(
  text: string,
  most: number,
  quoted: boolean,
): { readonly text: string; readonly cut: boolean } {
  const end = endOf(text, most);
  const shown = end < text.length ? text.slice(0, end) : text;
  return { text: SAFE.test(shown) ? shown : escapedWhole(shown, quoted), cut: end < text.length };
}

/** The place behind so many characters of a text. No more of a long text is ever looked at. */
function endOf(text: string, most: number): number {
  if (text.length <= most) return text.length;
  let end = 0;
  for (let shown = 0; shown < most && end < text.length; shown++) {
    end += (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
  }
  return end;
}

function escapedWhole(text: string, quoted: boolean): string {
  return text.replace(quoted ? UNSAFE_IN_QUOTES : UNSAFE, (character) => {
    if (character === " ") return character;
    if (character === '"' || character === "\\") return `\\${character}`;
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}
