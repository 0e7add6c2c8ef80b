import { pino } from "pino";
import { expect, test } from "vitest";

import type { RequestEvent } from "../../src/http/log/log.ts";
import { isLogged } from "../../src/http/log/logged.ts";
import { pinoHttpLog } from "../../src/http/log/pino-log.ts";

const STATUSES = [200, 201, 202, 303, 400, 401, 403, 404, 409, 410, 413, 422, 429, 500, 503];
const ALWAYS = [401, 403, 429, 500, 503];

test("all requests are logged, or those that failed and those that were turned away", () => {
  const logged = (share: number, drawn: number) =>
    STATUSES.filter((status) => isLogged({ status }, share, () => drawn));
  expect(logged(1, 0.999)).toEqual(STATUSES);
  expect(logged(0, 0)).toEqual(ALWAYS);
  expect(logged(0.01, 0.01)).toEqual(ALWAYS);
  expect(logged(0.01, 0.009)).toEqual(STATUSES);
});

test("a share of all requests is about that share, whatever ids they choose, and no draw is made for the others", () => {
  let draws = 0;
  // Every hundredth of the draws from nothing to one.
  const chance = () => (draws++ % 100) / 100;
  const count = Array.from({ length: 1_000 }).filter(() => isLogged({ status: 200 }, 0.25, chance)).length;
  expect(count).toBe(250);
  isLogged({ status: 503 }, 0.25, chance);
  isLogged({ status: 200 }, 1, chance);
  expect(draws).toBe(1_000);
});

test("the log of requests leaves out what is not wanted, and no fault", () => {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const log = pinoHttpLog(pino({ base: {}, timestamp: false }, { write }), {
    write,
    now: () => 0,
    bindings: {},
    share: 0,
  });
  const event: RequestEvent = {
    requestId: "one",
    method: "POST",
    route: "/v1/verify",
    status: 200,
    milliseconds: 1,
    caller: "platform",
    code: null,
  };
  log.request(event);
  log.request({ ...event, requestId: "two", status: 503, code: "unavailable" });
  log.fault({ requestId: "three", route: null, name: "Error", code: null, frames: [] });
  expect(lines.map((line) => JSON.parse(line).request_id)).toEqual(["two", "three"]);
});
