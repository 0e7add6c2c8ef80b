/** Characters of a value that an explanation shows before it cuts. */
export const SHOWN_CHARACTERS = 80;

// Every character that a terminal or a browser would not show as itself: controls, format characters (bidirectional
// overrides, zero width), private and unassigned ones, lone surrogates, separators, and all that is
// ignorable by default (fillers, variation selectors).
const UNSAFE = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/u;
// No space and no quote, so that a value can't continue the sentence it stands in.
const PLAIN = /^[A-Za-z0-9*_/][A-Za-z0-9_.:/@*+#-]*$/;

// Words that would change a sentence's meaning if they stood in it as bare values: `action = anything`.
const LOADED: ReadonlySet<string> = new Set(
  "all always and any anyone anything but else every everyone everything except forever if never no none not nothing only or than then unless unlimited until whatever when with without".split(
    " ",
  ),
);

/** A text in quotes, with everything escaped that could deceive a reader, cut at a sane length. */
export function quote(text: string, most: number = SHOWN_CHARACTERS): string {
  const shown = escaped(text, most, true);
  return `"${shown.text}"${shown.cut ? "…" : ""}`;
}

/** A text as itself if it is one plain word that can't be misread, else in quotes. */
export function bareOrQuoted(text: string, most: number = SHOWN_CHARACTERS): string {
  const bare = text.length <= most && PLAIN.test(text) && !hasLoadedWord(text);
  return bare ? text : quote(text, most);
}

function hasLoadedWord(text: string): boolean {
  return text
    .toLowerCase()
    .split(/[^a-z]+/)
    .some((word) => LOADED.has(word));
}

/** A text without quotes, for a place of its own: unsafe characters escaped, cut at a sane length. */
export function printable(text: string, most: number): string {
  const shown = escaped(text, most, false);
  return shown.cut ? `${shown.text}…` : shown.text;
}

function escaped(
  text: string,
  most: number,
  quoted: boolean,
): { readonly text: string; readonly cut: boolean } {
  let result = "";
  let shown = 0;
  // A code point has at most two units: no more of a long text is ever looked at.
  for (const character of text.slice(0, 2 * most + 2)) {
    if (shown === most) return { text: result, cut: true };
    result += escapeCharacter(character, quoted);
    shown++;
  }
  return { text: result, cut: false };
}

function escapeCharacter(character: string, quoted: boolean): string {
  if (quoted && (character === '"' || character === "\\")) return `\\${character}`;
  if (character === " " || !UNSAFE.test(character)) return character;
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
