/** Something that must not be found. */
export interface Secret {
  /** For people: never the secret itself. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A secret that was found. */
export interface Finding {
  readonly secret: string;
  /** How it was written. */
  readonly form: string;
  /** Where in what was searched. */
  readonly offset: number;
}

interface Needle {
  readonly secret: string;
  readonly form: string;
  readonly bytes: Uint8Array;
}

/** Shorter ones would be found by chance. */
const SHORTEST = 12;

/**
 * The middle of a secret's base64, as it looks inside a longer text: where in a group of three the secret
 * begins decides over all of its characters, and those at its edges depend on the neighbours.
 */
function base64Middle(bytes: Uint8Array, alignment: 0 | 1 | 2, alphabet: "base64" | "base64url"): string {
  const text = Buffer.concat([Buffer.alloc(alignment), bytes]).toString(alphabet);
  const whole = Math.floor(((alignment + bytes.length) * 8) / 6);
  return text.slice(Math.ceil((alignment * 8) / 6), whole);
}

function formsOf({ name, bytes }: Secret): readonly Needle[] {
  if (bytes.length < SHORTEST) throw new Error(`${name} has ${bytes.length} bytes: too few to search for`);
  const hex = Buffer.from(bytes).toString("hex");
  const texts: [string, string][] = [
    ["hex", hex],
    ["upper-case hex", hex.toUpperCase()],
    ["hex with spaces", hex.replace(/..(?!$)/g, "$& ")],
    ["a list of numbers", bytes.join()],
    ["an object of numbers", [...bytes].map((byte, index) => `"${index}":${byte}`).join()],
  ];
  for (const alphabet of ["base64", "base64url"] as const) {
    for (const alignment of [0, 1, 2] as const) {
      texts.push([`${alphabet}, ${alignment} before it`, base64Middle(bytes, alignment, alphabet)]);
    }
  }
  return [
    { secret: name, form: "raw bytes", bytes },
    ...texts.map(([form, text]) => ({ secret: name, form, bytes: new TextEncoder().encode(text) })),
  ];
}

/** Looks for secrets in every form in which programs write bytes. */
export interface Search {
  /** Every place at which one of them begins. */
  in(haystack: Uint8Array): readonly Finding[];
}

/** Prepares a search: one pass over the haystack, however many secrets there are. */
export function createSearch(secrets: readonly Secret[]): Search {
  const starts = new Uint8Array(1 << 21); // a bit for each value of three bytes
  const byStart = new Map<number, Needle[]>();
  for (const needle of secrets.flatMap(formsOf)) {
    const [a = 0, b = 0, c = 0] = needle.bytes;
    const start = (a << 16) | (b << 8) | c;
    starts[start >> 3] = (starts[start >> 3] ?? 0) | (1 << (start & 7));
    byStart.set(start, [...(byStart.get(start) ?? []), needle]);
  }
  return {
    in(haystack) {
      const found: Finding[] = [];
      let last = ((haystack[0] ?? 0) << 8) | (haystack[1] ?? 0);
      for (let end = 2; end < haystack.length; end++) {
        last = ((last << 8) | (haystack[end] ?? 0)) & 0xff_ff_ff;
        if (((starts[last >> 3] ?? 0) & (1 << (last & 7))) === 0) continue;
        const offset = end - 2;
        for (const { secret, form, bytes } of byStart.get(last) ?? []) {
          if (matches(haystack, offset, bytes)) found.push({ secret, form, offset });
        }
      }
      return found;
    },
  };
}

function matches(haystack: Uint8Array, offset: number, needle: Uint8Array): boolean {
  if (offset + needle.length > haystack.length) return false;
  for (let index = 3; index < needle.length; index++) {
    if (haystack[offset + index] !== needle[index]) return false;
  }
  return true;
}

/** A secret that is a text. */
export function textSecret(name: string, text: string): Secret {
  return { name, bytes: new TextEncoder().encode(text) };
}
