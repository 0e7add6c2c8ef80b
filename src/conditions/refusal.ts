/** Why a ticket's text was refused. The message names rules and never repeats the text. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: "malformed" | "unknown";

  constructor(code: "malformed" | "unknown", detail: string) {
    super(detail);
    this.code = code;
  }
}

/** Ends reading because a rule of the grammar is broken. */
export function malformed(rule: string): never {
  throw new Refusal("malformed", rule);
}

/** Ends reading because something is asked for that is not served. */
export function unknown(rule: string): never {
  throw new Refusal("unknown", rule);
}
