import { firstName } from "./look-up.ts";
import { parseCaveat } from "./parse.ts";
import { isServiceName } from "./reserved.ts";
import { parseBlock } from "./values/address.ts";
import { isClean } from "./values/characters.ts";
import { printWord } from "./values/list.ts";
import { printable, quote, SHOWN_CHARACTERS } from "./values/quote.ts";

const FORM = "a caveat is an attribute, an operator and a value, such as action = read";
const WHEN_FORM = "a limit on some calls alone is when tool = pay then args.amount <= 40, for example";
const INSTANT = "2026-12-01T00:00:00Z";
const NAME_RULE = "a name is 1 to 128 letters, digits and . _ : / @ -, with #INSTANCE behind it or not";
const ATTRIBUTE = /^[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z_][A-Za-z0-9_-]*)*$/;

/** As long as this only secrets are: such a text must not be repeated. */
const TOKEN_LIKE = /[A-Za-z0-9_+/=.-]{100}/;

/** Operators as people write them, in the order in which they are looked for. */
const SIGNS: Readonly<Record<string, string>> = {
  "==": "=",
  "=<": "<=",
  "=>": ">=",
  "<=": "<=",
  ">=": ">=",
  "!=": "!=",
  "<>": "!=",
  "=": "=",
  "<": "<",
  ">": ">",
  "≤": "<=",
  "≥": ">=",
  "≠": "!=",
};
const WORDS: Readonly<Record<string, string>> = {
  "not in": "not in",
  "is not": "!=",
  "is one of": "in",
  "is in": "in",
  "one of": "in",
  "less than": "<",
  "more than": ">",
  "at most": "<=",
  "at least": ">=",
  "up to": "<=",
  below: "<",
  under: "<",
  before: "<",
  above: ">",
  over: ">",
  after: ">",
  is: "=",
  equals: "=",
  in: "in",
  like: "matches",
  matches: "matches",
  within: "within",
};
const SIGNED = new RegExp(`^([^ =<>!≤≥≠]+) *(${Object.keys(SIGNS).join("|")}) *(.*)$`, "s");
const WORDED = new RegExp(`^([^ =<>!≤≥≠]+) +(${Object.keys(WORDS).join("|")})(?: +(.*))?$`, "is");

interface Loose {
  readonly attribute: string;
  /** The operator as it was written, and as it is meant. */
  readonly spelled: string;
  readonly operator: string;
  readonly value: string;
}

/**
 * Says why a text is no caveat: the text, the rule that it breaks, and its likely cure. Undefined for a caveat.
 *
 * For whoever writes it, who can still mend it. A text that looks like a token is not repeated.
 *
 * @example caveatFault("amount<10"); // "amount<10": one space on each side of <: amount < 10
 */
export function caveatFault(text: string): string | undefined {
  if (isCaveat(text)) return undefined;
  if (TOKEN_LIKE.test(text)) return `that looks like a token and not like a caveat: ${FORM}`;
  // A word alone may be any secret that went into the wrong place.
  if (/^[^ =<>!≤≥≠]+$/.test(text)) return `that is one word: ${FORM}`;
  return `${quote(text)}: ${ruleOf(text)}`;
}

/** Says why a text is no name of an agent. */
export function nameFault(text: string): string {
  if (TOKEN_LIKE.test(text)) return `that looks like a token and not like a name: ${NAME_RULE}`;
  const isLike = isCaveat(text) || readLoosely(text.trim()) !== undefined;
  return `${quote(text)} is no name: ${isLike ? "it reads like a caveat, did you forget the name?" : NAME_RULE}`;
}

/** Says why a text is no attribute; undefined for one. */
export function attributeFault(text: string): string | undefined {
  if (ATTRIBUTE.test(text)) return undefined;
  if (TOKEN_LIKE.test(text)) return `that looks like a token and not like an attribute: ${FORM}`;
  return `${quote(text)} is no attribute: ${attributeRule()}`;
}

function ruleOf(text: string): string {
  if (!isClean(text)) return "no control characters and no more than 30 marks on a letter: take them out";
  const trimmed = text.trim();
  const [first = "", ...words] = trimmed.split(" ");
  if (first === "time-before") return instantRule("time", "<", words.join(" "));
  const read = readLoosely(trimmed);
  if (read === undefined) {
    const [second] = words.filter((word) => word !== "");
    if (first === "when" || first === "if") return whenRule(first, trimmed.slice(first.length).trim());
    return second === undefined
      ? FORM
      : `${quote(second)} is no operator: those are = != < <= > >= in, not in, matches and within`;
  }
  const { attribute, spelled, operator, value } = read;
  if (reads(attribute, operator, value)) {
    const why =
      spelled !== operator
        ? `the operator is ${operator}`
        : text !== trimmed && isCaveat(trimmed)
          ? "no space at its ends"
          : `one space on each side of ${operator}`;
    return `${why}${cure(attribute, operator, value)}`;
  }
  if (!ATTRIBUTE.test(attribute)) return attributeRule();
  const turned = turnedRound(read);
  if (turned !== undefined) return turned;
  if (value === "") return `a value stands behind ${operator}, such as action = read`;
  const name = firstName(attribute);
  return isServiceName(name)
    ? serviceRule(attribute, name, operator, value)
    : valueRule(attribute, operator, value);
}

/**
 * The rule that a text breaks which begins with `when` or `if`.
 *
 * @param first that word
 * @param text the rest
 */
function whenRule(first: string, text: string): string {
  const then = text.indexOf(" then ");
  const limit = text.slice(then + 6).trim();
  const guard = then < 0 ? undefined : readLoosely(text.slice(0, then));
  if (guard === undefined) return WHEN_FORM;
  const { attribute, operator, value } = guard;
  if (!ATTRIBUTE.test(attribute)) return attributeRule();
  if (operator !== "=" && operator !== "in") return `behind when stands = or in: ${WHEN_FORM}`;
  const service = [attribute, limit].map(serviceNameOf).find((name) => name !== undefined);
  if (service !== undefined)
    return `${service} belongs to the service, and stands in no part of when … then …`;
  if (/^(?:when|if) /.test(limit)) return `one when and one then: ${WHEN_FORM}`;
  if (!isCaveat(limit)) return `behind then, ${ruleOf(limit)}`;
  const several = operator === "in";
  const values = (several ? value.split(",") : [value]).map((item) => item.trim());
  const printed = values.map((item) => (item.startsWith('"') ? item : printWord(item, several))).join(", ");
  const meant = `when ${attribute} ${operator} ${printed} then ${limit}`;
  if (!isCaveat(meant)) return `a value that is empty or has a space is a JSON string: ${WHEN_FORM}`;
  if (first !== "when") return `it begins with when${shownWhole(meant)}`;
  const spaced = values.some((item) => item.includes(" ") && !item.startsWith('"'));
  return `${spaced ? "a value with a space is a JSON string" : "one space between its parts"}${shownWhole(meant)}`;
}

/** The name that begins a text, if it belongs to the service. */
function serviceNameOf(text: string): string | undefined {
  const [name = ""] = text.split(/[ .=<>!≤≥≠]/, 1);
  return isServiceName(name) || name === "time-before" ? name : undefined;
}

/** A limit in front of its condition. */
function turnedRound({ attribute, operator, value }: Loose): string | undefined {
  const found = / (?:when|if) /.exec(value);
  if (found === null) return undefined;
  const guard = value.slice(found.index + found[0].length);
  const meant = `when ${guard} then ${attribute} ${operator} ${value.slice(0, found.index)}`;
  return isCaveat(meant) ? `the condition stands in front${shownWhole(meant)}` : undefined;
}

function readLoosely(text: string): Loose | undefined {
  const signed = SIGNED.exec(text);
  const [, attribute, found, value = ""] = signed ?? WORDED.exec(text) ?? [];
  if (attribute === undefined || found === undefined) return undefined;
  const spelled = found;
  const operator = signed === null ? WORDS[found.toLowerCase()] : SIGNS[found];
  return operator === undefined ? undefined : { attribute, spelled, operator, value };
}

function attributeRule(): string {
  return "an attribute is names with dots between them, each a letter or _ and then letters, digits, _ or -, such as args.amount";
}

function serviceRule(attribute: string, name: string, operator: string, value: string): string {
  switch (name === attribute || name === "spend" ? name : undefined) {
    case "time":
      if (operator !== "<" && operator !== ">") {
        return `time takes < or >${reads("time", "<", value) ? cure("time", "<", value) : `: time < ${INSTANT}`}`;
      }
      return instantRule("time", operator, value);
    case "agent":
      return operator === "=" ? NAME_RULE : "agent takes =, such as agent = researcher";
    case "depth":
    case "uses":
      return `${name} takes <= and a whole number${cureOr(name, value, `${name} <= 3`)}`;
    case "rate": {
      const [, calls, window] =
        /^([0-9]+) *(?:\/|per) *(s|m|h|d)(?:ec|econd|in|inute|our|ay)?s?$/.exec(value) ?? [];
      return `rate takes <= and calls a second, minute, hour or day${cureOr(name, `${calls}/${window}`, "rate <= 5/m")}`;
    }
    case "spend":
      return `spend takes a unit, <= and a decimal that is not negative${cureOr(attribute, value, "spend.EUR <= 40")}`;
    case "holder":
      return "holder takes = and the thumbprint of a key, 43 characters of base64url: bakehouse holder new prints one";
    case "aud":
      return "aud takes = or in, and URIs of resources, such as aud = https://mcp.example.com/mcp";
    case "client":
      return "client is written by the token endpoint alone: call the attribute otherwise";
    default:
      return `${name} belongs to the service, which knows no such caveat on it: call the attribute otherwise`;
  }
}

function valueRule(attribute: string, operator: string, value: string): string {
  const items = value
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
  if (operator === "in" || operator === "not in") {
    const list = items.join(", ");
    return reads(attribute, operator, list)
      ? `items stand between commas, and none is empty${cure(attribute, operator, list)}`
      : 'an item with a comma, a quote in front or a space at its edge is a JSON string, such as "Paris, Texas"';
  }
  if (operator === "within") {
    const wrong = items.find((item) => parseBlock(item) === undefined) ?? value;
    return `${quote(wrong)} is no address and no CIDR block, such as 10.0.0.0/8`;
  }
  const [, number = ""] = /^[$€£+]? *(-?[0-9][0-9_']*(?:\.[0-9]+)?) *[A-Za-z%€$£]*$/.exec(value) ?? [];
  const digits = number.replaceAll(/[_']/g, "");
  if (reads(attribute, operator, digits)) {
    return `a decimal stands without sign, unit or separators${cure(attribute, operator, digits)}`;
  }
  const instant = nearestInstant(attribute, operator, value);
  if (instant !== undefined) return instantRule(attribute, operator, value);
  return `behind ${operator} stands a decimal of at most 40 digits or an RFC 3339 instant, such as 10 or ${INSTANT}; a text takes =`;
}

function instantRule(attribute: string, operator: string, value: string): string {
  const instant = nearestInstant(attribute, operator, value);
  const rule = `${quote(value)} is no RFC 3339 instant`;
  return instant === undefined
    ? `${rule}, such as ${attribute} ${operator} ${INSTANT}; a ttl writes one`
    : `${rule}${cure(attribute, operator, instant)}`;
}

/** The instant that a date, or a time without its zone, is likely to mean. */
function nearestInstant(attribute: string, operator: string, value: string): string | undefined {
  const spelled = value.replace(" ", "T");
  return [spelled, `${spelled}Z`, `${spelled}:00Z`, `${spelled}T00:00:00Z`].find((instant) =>
    reads(attribute, operator, instant),
  );
}

function reads(attribute: string, operator: string, value: string): boolean {
  return isCaveat(`${attribute} ${operator} ${value}`);
}

function isCaveat(text: string): boolean {
  return parseCaveat(text) !== undefined;
}

function cureOr(attribute: string, value: string, example: string): string {
  return reads(attribute, "<=", value) ? cure(attribute, "<=", value) : `, such as ${example}`;
}

function cure(attribute: string, operator: string, value: string): string {
  return shownWhole(`${attribute} ${operator} ${value}`);
}

/** The caveat that was likely meant, if it can be shown whole: half of one is no cure. */
function shownWhole(text: string): string {
  return printable(text, SHOWN_CHARACTERS) === text ? `: ${text}` : "";
}
