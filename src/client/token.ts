import { parseCaveatBytes } from "../caveats/parse.ts";
import { printCaveat } from "../caveats/print.ts";
import { quote } from "../caveats/values/quote.ts";
import {
  addSealedCondition,
  attenuate,
  type Bundle,
  bind,
  decodeBase64,
  decodeBinary,
  decodeBundle,
  encode,
  encodeBase64Url,
  encodeBundle,
  type Format,
  MacaroonError,
  revocationId,
  sealCondition,
  type UnverifiedMacaroon,
} from "../macaroon/index.ts";
import { TOKEN_BUDGETS } from "../words/limits.ts";
import { agent, checkedCaveat, depth, expiresIn, holder } from "./caveats.ts";
import { budgetsIn } from "./charges.ts";
import { TokenError } from "./error.ts";
import { type Inspection, inspectBundle, isIssuedFor, scopesAmong, undischargedIn } from "./inspection.ts";
import { randomBytes, randomText } from "./random.ts";
import {
  aList,
  aNumber,
  aText,
  type Check,
  type Checks,
  checkOptions,
  checkShape,
  isObject,
  isText,
} from "./shape.ts";

/** A third-party caveat to be written: the token is then good only with that party's discharge. */
export interface ThirdPartyCaveat {
  /** The origin that discharges it. */
  readonly location: string;
  /** The condition that the party checks, such as `is-principal`. Only the party can read it. */
  readonly condition: string;
  /** That party's Curve25519 key: 32 bytes, or base64 of them. */
  readonly publicKey: Uint8Array | string;
}

/** How a token is handed on. */
export interface Delegation {
  /** The caveats that narrow it for the next holder. */
  readonly caveats?: readonly (string | ThirdPartyCaveat)[];
  /** The next holder's key, or its thumbprint: without a proof of that key the token is then worth nothing. */
  readonly holder?: string | { readonly thumbprint: string };
  /** Seconds from now. It never outlives the token it comes from. */
  readonly ttl?: number;
  /** How often the next holder may hand it on. */
  readonly depth?: number;
  /** Tells two holders of one name apart; random unless given. */
  readonly instance?: string;
}

const THIRD_PARTY_CAVEAT: Checks<ThirdPartyCaveat> = {
  location: aText('"https://approvals.example"'),
  condition: aText('"approved-by alice"'),
  publicKey: (key) => (isText(key) || key instanceof Uint8Array ? undefined : "32 bytes, or base64 of them"),
};

const DELEGATION: Checks<Delegation> = {
  caveats: aList('["action = read"], or left out', (caveat) => isText(caveat) || isObject(caveat)),
  holder: (key) =>
    isText(key) || (isObject(key) && "thumbprint" in key && isText(key.thumbprint))
      ? undefined
      : "a key's thumbprint, or a HolderKey",
  // Undefined would limit nothing: a variable that is not set must not take a limit away.
  ttl: aNumber("900, in seconds"),
  depth: aNumber("1"),
  instance: aText('"job-7"'),
};

const FORMATS: readonly Format[] = ["v1", "v2", "v1-json", "v2-json"];

interface Discharge {
  readonly macaroon: UnverifiedMacaroon;
  /** `arrived`: bound, as far as anyone can tell, to the token it came with. `tied` needs no binding. */
  readonly state: "arrived" | "tied" | "unbound";
}

/** Bytes of randomness in an instance. */
const INSTANCE_BYTES = 9;

/**
 * A macaroon with its discharges, ready to be narrowed. Nothing of it is verified.
 *
 * Immutable: each step gives a new token. It never prints itself, because its text is its
 * power: only {@link Token.encode} gives that away.
 */
export class Token {
  readonly #root: UnverifiedMacaroon;
  readonly #discharges: readonly Discharge[];
  readonly #format: Format;

  private constructor(root: UnverifiedMacaroon, discharges: readonly Discharge[], format: Format) {
    this.#root = root;
    this.#discharges = discharges;
    this.#format = format;
  }

  /**
   * Reads a token, alone or with its discharges, in any format: base64 of v1 or v2, or JSON, white space
   * around it allowed; or the bytes of v1 or v2.
   *
   * @throws TokenError `malformed` or `too_large`
   * @throws TypeError for anything but a text or bytes
   */
  static parse(source: string | Uint8Array): Token {
    checkShape("the source of a token", source, (value) =>
      isText(value) || value instanceof Uint8Array ? undefined : "its text or bytes",
    );
    const decoded = typeof source === "string" ? decodeBundle(source.trim()) : decodeBinary(source);
    if (!decoded.ok) throw new TokenError(decoded.code, `the token cannot be read: ${decoded.detail}`);
    const [root, ...discharges] = decoded.macaroons;
    const arrived = discharges.map(
      (macaroon): Discharge => ({ macaroon, state: isTied(macaroon) ? "tied" : "arrived" }),
    );
    return new Token(root, arrived, decoded.format);
  }

  /** Names this token and all that descends from it. Gives no power. */
  get revocationId(): string {
    return revocationId(this.#root.signature).text;
  }

  /**
   * Narrows the token. Needs no key and no network.
   *
   * @param caveats texts of the caveat language, from the builders or written by hand, or third-party ones
   * @throws TokenError `invalid_caveat` for a caveat that every verifier would refuse
   * @throws TypeError for anything else, such as a list in place of its caveats
   * @example
   * token.attenuate("action = read", atMost("args.amount", 20), ...more);
   */
  attenuate(...caveats: readonly (string | ThirdPartyCaveat)[]): Token {
    return this.#narrowed(caveats.map((caveat) => checked("attenuate", caveat)));
  }

  /**
   * Narrows the token for its next holder. An `agent` caveat names the holder, for tracing and for cutting off.
   *
   * Each delegation has an instance of its own, so that two of them are two links.
   *
   * @throws TokenError `invalid_caveat` also where a `depth` of the token allows no further hand-over
   * @throws TypeError for options of the wrong shape, and for ones that there are not
   * @example
   * token.delegate("researcher", { caveats: ["action = read"], ttl: 900 });
   */
  delegate(name: string, options: Delegation = {}): Token {
    checkShape("delegate: the name", name, aText('"researcher"'));
    checkOptions("delegate", options, DELEGATION, '{ caveats: ["action = read"], ttl: 900 }');
    const { caveats = [], instance = randomText(INSTANCE_BYTES) } = options;
    const spent = spentDepth(this.#root);
    if (spent !== undefined) {
      throw new TokenError(
        "invalid_caveat",
        `${quote(spent)}: this token may not be handed on; meant for the next holder, that goes into delegate's option depth (--depth)`,
        spent,
      );
    }
    // The builders have checked their own caveats.
    const added: (string | ThirdPartyCaveat)[] = [agent(name, instance)];
    if (options.holder !== undefined) {
      added.push(holder(typeof options.holder === "string" ? options.holder : options.holder.thumbprint));
    }
    added.push(...caveats.map((caveat) => checked("delegate: caveats", caveat)));
    if (options.ttl !== undefined) added.push(expiresIn(options.ttl));
    if (options.depth !== undefined) added.push(depth(options.depth));
    return this.#narrowed(added);
  }

  /** Third-party caveats, of the token and its discharges, that still need one. */
  undischarged(): readonly { readonly location: string; readonly ticket: Uint8Array }[] {
    return undischargedIn(this.#macaroons());
  }

  /** Whether this is a discharge of that ticket, as far as its identifier tells. */
  isFor(ticket: Uint8Array): boolean {
    return encodeBase64Url(this.#root.identifier) === encodeBase64Url(ticket);
  }

  /** Takes discharges in. They are bound as late as {@link Token.encode}, so the token can still be narrowed. */
  withDischarges(...discharges: readonly (Token | string)[]): Token {
    const added = discharges.flatMap((discharge): readonly Discharge[] => {
      checkShape("withDischarges: each", discharge, (value) =>
        isText(value) || value instanceof Token ? undefined : "a Token or its text, one by one: ...list",
      );
      const token = typeof discharge === "string" ? Token.parse(discharge) : discharge;
      return token
        .#macaroons()
        .map((macaroon) => ({ macaroon, state: isTied(macaroon) ? "tied" : "unbound" }));
    });
    return new Token(this.#root, [...this.#discharges, ...added], this.#format);
  }

  /** The token alone. */
  withoutDischarges(): Token {
    return new Token(this.#root, [], this.#format);
  }

  /** The token's own words about itself, for people. @param now unix milliseconds */
  inspect(now: number = Date.now()): Inspection {
    checkShape("inspect: now", now, aNumber("Date.now()"));
    return inspectBundle(this.#macaroons(), this.#format, this.encode().length, now);
  }

  /**
   * Those of some scopes with which no caveat on `scope` forbids a call, by the token's own words. A token without such a
   * caveat leaves all of them.
   *
   * @example
   * token.scopesAmong(["files:read", "files:write"]); // ["files:read"]
   */
  scopesAmong(scopes: readonly string[]): readonly string[] {
    checkShape("scopesAmong: the scopes", scopes, aList('["files:read"]', isText));
    return scopesAmong(this.#macaroons(), scopes);
  }

  /** Whether it was issued with an `aud` that names a resource, by its own words. @param resource its canonical URI */
  isIssuedFor(resource: string): boolean {
    checkShape("isIssuedFor: the resource", resource, aText('"https://mcp.example.com/mcp"'));
    return isIssuedFor(this.#root, resource);
  }

  /**
   * The token's text: a secret. In the default format it goes behind `Bearer `, discharges included and bound; in any
   * other it is the macaroon alone.
   *
   * @throws TokenError for a bundle in a format that has no bundles, or one over the limits
   */
  encode(format: Format = "v2"): string {
    checkShape("encode: the format", format, (value) =>
      FORMATS.some((known) => known === value) ? undefined : `one of ${FORMATS.join(", ")}`,
    );
    const bound = this.#discharges.map(({ macaroon, state }) =>
      state === "unbound" ? bind(this.#root, macaroon) : macaroon,
    );
    if (format !== "v2" && bound.length > 0) {
      throw new TokenError("malformed", `the format ${format} holds one macaroon and no discharges`);
    }
    try {
      return format === "v2" ? encodeBundle([this.#root, ...bound]) : encode(this.#root, format);
    } catch (error) {
      throw tokenError(error);
    }
  }

  /** Names the token by its revocation id, without its power. */
  toString(): string {
    return `[token ${this.revocationId}]`;
  }

  /** As {@link Token.toString}: a token in an object that somebody logs must not leak. */
  toJSON(): string {
    return this.toString();
  }

  /** @param caveats checked, those that are texts */
  #narrowed(caveats: readonly (string | ThirdPartyCaveat)[]): Token {
    if (caveats.length === 0) return this;
    if (this.#discharges.some(({ state }) => state === "arrived")) {
      throw new TokenError(
        "bound_discharges",
        "the token's discharges are bound to it as it is: narrow it first and discharge it then, or take them out with withoutDischarges()",
      );
    }
    let root = this.#root;
    let texts: string[] = [];
    try {
      for (const caveat of caveats) {
        if (typeof caveat === "string") {
          texts.push(caveat);
          continue;
        }
        root = sealed(texts.length === 0 ? root : attenuate(root, texts), caveat);
        texts = [];
      }
      if (texts.length > 0) root = attenuate(root, texts);
    } catch (error) {
      throw tokenError(error);
    }
    const narrowed = new Token(root, this.#discharges, this.#format);
    const macaroons = narrowed.#macaroons();
    // Nearly every token has fewer caveats: none of them is read.
    const most = macaroons.reduce((sum, one) => sum + one.unverifiedCaveats.length, 0);
    if (most > TOKEN_BUDGETS && budgetsIn(macaroons) > TOKEN_BUDGETS) {
      throw new TokenError("too_large", `more than ${TOKEN_BUDGETS} budgets in the token and its discharges`);
    }
    return narrowed;
  }

  #macaroons(): Bundle {
    return [this.#root, ...this.#discharges.map(({ macaroon }) => macaroon)];
  }
}

/** The text of a `depth` that one hand-over more would break; undefined if none would. */
function spentDepth({ unverifiedCaveats }: UnverifiedMacaroon): string | undefined {
  let following = 1;
  for (const { id, verificationId } of unverifiedCaveats.toReversed()) {
    const caveat = verificationId === undefined ? parseCaveatBytes(id) : undefined;
    if (caveat?.kind === "agent") following++;
    if (caveat?.kind === "depth" && caveat.most < following) return printCaveat(caveat);
  }
  return undefined;
}

const A_CAVEAT: Check = (value) =>
  isText(value) || isObject(value) ? undefined : "a text or a third party's, one by one: ...list";

/** @param place the argument that holds it, for the error of anything else */
function checked(place: string, caveat: string | ThirdPartyCaveat): string | ThirdPartyCaveat {
  checkShape(`${place}: each caveat`, caveat, A_CAVEAT);
  if (typeof caveat === "string") return checkedCaveat(caveat);
  const like = "{ location, condition, publicKey }";
  checkOptions(`${place}: a third party's caveat`, caveat, THIRD_PARTY_CAVEAT, like);
  for (const member of Object.keys(THIRD_PARTY_CAVEAT)) {
    if (!(member in caveat))
      throw new TypeError(`${place}: a third party's caveat has no ${member}: ${like}`);
  }
  return caveat;
}

/** Whether a discharge has the caveat that stands in for binding. */
function isTied(macaroon: UnverifiedMacaroon): boolean {
  return macaroon.unverifiedCaveats.some(
    ({ id, verificationId }) => verificationId === undefined && parseCaveatBytes(id)?.kind === "ancestor",
  );
}

function sealed(root: UnverifiedMacaroon, caveat: ThirdPartyCaveat): UnverifiedMacaroon {
  const { location, condition, publicKey: key } = caveat;
  const publicKey = typeof key === "string" ? decodeBase64(key) : key;
  const hidden = sealCondition({ condition, publicKey }, randomBytes);
  if (hidden === undefined) {
    throw new TokenError("invalid_caveat", "the third party's key is no key that anything can be sealed to");
  }
  return addSealedCondition(root, location, hidden, randomBytes);
}

function tokenError(error: unknown): unknown {
  if (!(error instanceof MacaroonError)) return error;
  return new TokenError(error.code === "too_large" ? "too_large" : "invalid_caveat", error.message);
}
