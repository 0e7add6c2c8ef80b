import { createHash } from "node:crypto";

import { type Decimal, formatDecimal } from "../../caveats/values/decimal.ts";
import { JsonNumber, type JsonObject, type JsonValue } from "../../json/value.ts";
import type { ChargeKey } from "../ports/budgets.ts";

/** The question that comes with a `charge_id`. Another question under the same id is refused. */
export interface Question {
  /** The revocation id of the presented link. */
  readonly link: string;
  /** Those of its discharges. */
  readonly discharges: readonly string[];
  readonly context: JsonObject;
  readonly cost: ReadonlyMap<string, Decimal>;
  /** Seconds. */
  readonly reserve: number | undefined;
}

/** The key under which a charge is remembered. */
export function chargeKey(platform: string, chargeId: string, asked: Question): ChargeKey {
  const { link, discharges, context, cost, reserve } = asked;
  const costs = [...cost].map(([unit, amount]) => `${unit} ${formatDecimal(amount)}`).sort();
  return {
    hash: sha256("charge", [platform, chargeId]),
    question: sha256("charged question", [
      link,
      ...discharges.toSorted(),
      canonical(context),
      ...costs,
      String(reserve),
    ]),
  };
}

function sha256(label: string, parts: readonly string[]): Uint8Array {
  const hash = createHash("sha256").update(`bakehouse ${label} v1\0`);
  // In a JSON text each part has a certain end.
  return new Uint8Array(hash.update(JSON.stringify(parts)).digest());
}

/** JSON with its members in order, so that a context that is sent again is the same however it was put together. */
function canonical(value: JsonValue): string {
  if (value instanceof JsonNumber) return value.text;
  if (value instanceof Map) {
    const members = [...value].sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(",")}}`;
  }
  return Array.isArray(value) ? `[${value.map(canonical).join(",")}]` : JSON.stringify(value);
}
