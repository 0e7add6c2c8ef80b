import type { Choices } from "../choices.ts";

/** Values that no member expects. */
const ODD: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1e308,
  0.1,
  2 ** 53,
  "",
  " ",
  "0",
  "null",
  "\u0000",
  "\ud800",
  "\udc00x",
  "\u202etxt",
  "\ufeff",
  "é".repeat(300),
  "a".repeat(5_000),
  "../../etc/passwd",
  "' or 1=1 --",
  "{{7*7}}",
  "<script>alert(1)</script>",
  "%00",
  "__proto__",
  "9999-12-31T23:59:60Z",
  "0000-01-01T00:00:00Z",
  "-1e999999999",
  [],
  {},
  [[]],
  [null],
  { a: { a: { a: {} } } },
  Array.from({ length: 300 }, (_, at) => at),
];

const NAMES = [
  "__proto__",
  "constructor",
  "toString",
  "token",
  "platform",
  "",
  "ttl ",
  "\u0000",
  "id",
  "context",
];

type Step = string | number;

function places(value: unknown, path: readonly Step[] = []): readonly (readonly Step[])[] {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([name, item]) => places(item, [...path, name]))];
}

/** A value with something in it replaced, taken away, repeated or added. */
export function brokenValue(choices: Choices, value: unknown): unknown {
  const copy: { root: unknown } = { root: structuredClone(value) };
  const path = choices.pick(places(value));
  let holder: object = copy;
  let last: Step = "root";
  for (const step of path) {
    holder = Reflect.get(holder, last);
    last = step;
  }
  const here: unknown = Reflect.get(holder, last);
  switch (choices.below(5)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(last), 1);
      else if (holder !== copy) Reflect.deleteProperty(holder, last);
      break;
    case 1:
      if (typeof here === "object" && here !== null && !Array.isArray(here))
        Object.defineProperty(here, choices.pick(NAMES), {
          value: choices.pick(ODD),
          enumerable: true,
          configurable: true,
          writable: true,
        });
      else Reflect.set(holder, last, [here, here]);
      break;
    case 2:
      Reflect.set(holder, last, typeof here === "string" ? brokenText(choices, here) : choices.pick(ODD));
      break;
    default:
      Reflect.set(holder, last, choices.pick(ODD));
  }
  return copy.root;
}

/** A text with something inserted, taken away, doubled or turned. */
export function brokenText(choices: Choices, text: string): string {
  const at = choices.below(text.length + 1);
  const to = Math.min(text.length, at + 1 + choices.below(8));
  switch (choices.below(6)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + text.slice(to);
    case 2:
      return text.slice(0, to) + text.slice(at);
    case 3:
      return text.slice(0, at) + String.fromCharCode(choices.below(0x100)) + text.slice(to);
    case 4:
      return text.slice(0, at) + String.fromCharCode(choices.below(0x1_0000)) + text.slice(at);
    default:
      return (
        text.slice(0, at) +
        choices.pick([" ", ".", "=", "\u0000", "\n", "%", "\ud83d", "/", "+", ","]) +
        text.slice(at)
      );
  }
}

/** JSON text with something that only a text can have: a member twice, half an escape, too many digits, a depth. */
export function brokenJson(choices: Choices, text: string): string {
  const strings = [...text.matchAll(/"/g)].map(({ index }) => index);
  const inside = (strings.length > 0 ? choices.pick(strings) : 0) + 1;
  const insert = (what: string, at: number) => text.slice(0, at) + what + text.slice(at);
  switch (choices.below(12)) {
    case 0: {
      const member = /"(?:[^"\\]|\\.)*":/.exec(text)?.[0] ?? '"a":';
      return text.replace("{", `{${member}1,`);
    }
    case 1:
      return insert(
        choices.pick(["\\ud800", "\\udc00", "\\u0000", "\u0000", "\\", "\\x41", "\n", "\u007f"]),
        inside,
      );
    case 2:
      return text.replace(/[0-9]+/, (digits) => digits.repeat(choices.pick([2, 50, 5_000])));
    case 3:
      return text.replace(
        /[0-9]+/,
        choices.pick(["1e400", "-0", "01", "1.", ".5", "0x1", "1e-400", "NaN", "Infinity"]),
      );
    case 4: {
      const deep = choices.pick([100, 200, 1_001, 20_000]);
      return text.replace(/:/, `:${choices.pick(["[", '{"a":'] as const).repeat(deep)}`);
    }
    case 5:
      return text.slice(0, choices.below(text.length + 1));
    case 6:
      return `\ufeff${text}`;
    case 7:
      return text + choices.pick(["{}", ",", "\u0000", "//", " \n\t", "]"]);
    case 8:
      return text.replace(/\}/, ",}");
    case 9:
      return text.replace(/,/, choices.pick([",,", ";", " ", "/**/,"]));
    case 10:
      return text.replaceAll('"', "'");
    default:
      return brokenText(choices, text);
  }
}
