import type { WaitingLimits } from "../domain/discharge/limits.ts";
import { Invalid } from "./environment.ts";

const MOST = 100_000;

/** What `WAITING_REQUESTS` sets: numbers by name, between commas. Those that it leaves out stay as they are. */
export function parseWaiting(text: string): Partial<WaitingLimits> {
  const limits: { -readonly [Name in keyof WaitingLimits]?: number } = {};
  for (const item of text.split(",")) {
    const [, name, digits] = /^\s*(link|asker|approver)\s*=\s*([1-9][0-9]{0,5})\s*$/.exec(item) ?? [];
    const number = Number(digits);
    const isKnown = name === "link" || name === "asker" || name === "approver";
    if (!isKnown || limits[name] !== undefined || number > MOST) {
      throw new Invalid("must be numbers from 1 to 100000 by name, such as link=5,asker=50,approver=1000");
    }
    limits[name] = number;
  }
  return limits;
}
