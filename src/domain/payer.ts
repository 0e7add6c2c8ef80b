import type { Caller } from "./caller.ts";
import type { Payer } from "./parts/turn.ts";

/** The payer of a caller's requests. A program pays as the person that it acts for. */
export function payerOf(caller: Caller): Payer {
  if (caller.kind === "human") {
    const { issuer, subject } = caller.identity;
    return { kind: caller.administrator ? "administrator" : "person", name: `${issuer}\n${subject}` };
  }
  return caller.platform === undefined
    ? { kind: "administrator", name: caller.credentialId }
    : { kind: "platform", name: caller.platform };
}
