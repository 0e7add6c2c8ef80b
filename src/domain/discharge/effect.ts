import { plainly } from "../../caveats/together/allowance.ts";
import { quote } from "../../caveats/values/quote.ts";
import type { DischargeRequest } from "../ports/discharge-requests.ts";
import { endOf, lifeOf, termsOf } from "./requests.ts";

type Facts = Pick<DischargeRequest, "state" | "decidedAt" | "about" | "ancestor" | "allowance" | "condition">;

/**
 * The one sentence that says the effect of a yes: the call, how often, how long, from when, and with which token.
 *
 * It is made of enforced limits alone: no word of the ticket's text and of holders stands in it. What others wrote is quoted,
 * numbers and well-known names aside, and what could pass for something else is escaped. It never says that a call is
 * exactly known: arguments that no limit names are open, and a list passes where each of its elements does.
 */
export function effectOf(request: Facts): string {
  const { about, allowance } = request;
  const what = callsOf(allowance);
  const asked = allowance?.uses ?? null;
  const uses = termsOf(request).options.once ? Math.min(1, asked ?? 1) : asked;
  const often = [count(uses), ...(allowance?.budgets ?? [])].join(", ");
  const allows = `Allows: ${[what, often, ...times(request), tokenOf(about, request)].join("; ")}.`;
  return [allows, ...declarations(request)].join(" ");
}

/** Limits on some calls alone leave any other call open, so they stand behind what is said of all calls. */
function callsOf(allowance: Facts["allowance"]): string {
  const { what = [], conditional = [] } = allowance ?? {};
  if (what.length + conditional.length === 0) return "any call";
  if (what.length === 0) return `any call, but ${conditional.join(", ")}`;
  return `${[...what, ...conditional].join(", ")}; all else in the call is open`;
}

/** What the discharge says of the person to whoever asks: macaroon-bakery's programs take a declared name for a login. */
function declarations(request: Facts): readonly string[] {
  return termsOf(request).declared.includes("username")
    ? ["Tells whoever asks the name that you have here, and programs may sign them in under it."]
    : [];
}

/** How often. The sentence also says that nothing counts it. */
function count(uses: number | null): string {
  if (uses === null) return "any number of times";
  return uses === 1 ? "once" : `at most ${uses} times in all`;
}

function tokenOf(about: Facts["about"], { ancestor }: Facts): string {
  if (about !== null) {
    const subject = plainly(quote(about.principal.subject, 255));
    // A platform names anybody by its own word: that is no fact about them.
    const { platform, principal } = about;
    return principal.assertedBy === "platform"
      ? `with the token of somebody whom ${platform} calls ${subject} by its own word, within the token's limits`
      : `with the token of ${subject} on ${platform}, within its own limits`;
  }
  const where = ancestor === null ? "" : ` at or below the link ${ancestor}`;
  return `with any token${where} that carries this ticket`;
}

function times(request: Facts): readonly string[] {
  const from = request.allowance?.from ?? null;
  const until = request.allowance?.until ?? null;
  const end = endOf(request);
  return [
    ...(from === null ? [] : [`only after ${second(from)}`]),
    ...(end === null ? [`for ${duration(lifeOf(termsOf(request)))} from the yes`] : [`until ${second(end)}`]),
    ...(end !== null || until === null ? [] : [`until ${second(until)} at the latest`]),
  ];
}

/** An instant for people: `2026-11-27 14:05 UTC`, with its seconds if it has any. */
function second(at: number): string {
  const text = new Date(at).toISOString();
  const seconds = text.slice(16, 19) === ":00" ? "" : text.slice(16, 19);
  return `${text.slice(0, 10)} ${text.slice(11, 16)}${seconds} UTC`;
}

/** A duration for people, in the largest unit of which it is a whole number. @param life milliseconds */
function duration(life: number): string {
  const seconds = life / 1000;
  const [unit, name] =
    seconds % 3600 === 0 ? [3600, "hour"] : seconds % 60 === 0 ? [60, "minute"] : [1, "second"];
  const count = seconds / unit;
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}
