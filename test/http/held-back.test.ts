import { describe, expect, test } from "vitest";

import { DomainError } from "../../src/domain/parts/error.ts";
import { ROUTES } from "../../src/http/routes/all.ts";
import { ALICE, AT, createFakeService } from "../support/fake-service.ts";
import { as, createTestApp, ORIGIN, whoMay } from "./app.ts";

/** A body whose last byte comes only once the sender wants it. */
function heldBack(text: string, beforeLast: () => void) {
  const bytes = new TextEncoder().encode(text);
  let sent = 0;
  return new ReadableStream(
    {
      pull(controller) {
        if (sent++ === 0) {
          controller.enqueue(bytes.subarray(0, -1));
          return;
        }
        beforeLast();
        controller.enqueue(bytes.subarray(-1));
        controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}

/** An app whose credentials and sessions all end when the test says so, and the time that a body takes. */
function ending() {
  const known = createFakeService().service.authentication;
  const state = { ended: false, time: 0 };
  function unlessEnded<A extends readonly unknown[], T>(find: (...args: A) => Promise<T>) {
    return async (...args: A) => {
      if (state.ended) throw new DomainError("unauthenticated", "it has ended");
      return find(...args);
    };
  }
  const made = createTestApp(
    { authentication: { bearer: unlessEnded(known.bearer), session: unlessEnded(known.session) } },
    { clock: { now: () => AT, monotonic: () => state.time } },
  );
  return { ...made, state };
}

const filled = (path: string) =>
  path.replace("{name}", "shop").replace("{id}", "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7082");

const bodies = ROUTES.filter(({ body, auth }) => body !== undefined && auth !== "none");

describe.each(bodies)("the body of $method $path", ({ method, path, body }) => {
  const send = async (whenAlmostThere: (state: { ended: boolean; time: number }) => void) => {
    const { request, state, calls, authentications } = ending();
    const held = heldBack(JSON.stringify(body?.example), () => whenAlmostThere(state));
    const headers = { ...as(whoMay(path)), "content-type": "application/json" };
    const init = { method, headers, body: held, duplex: "half" } as RequestInit;
    return { response: await request(filled(path), init), calls, authentications };
  };

  test("comes too late where the credential has ended meanwhile", async () => {
    const { response, calls } = await send((state) => {
      state.ended = true;
      state.time += 25_000;
    });
    expect(response.status).toBe(401);
    expect(calls).toEqual([]);
  });

  test("is answered where the credential still stands, which is asked for again", async () => {
    const { response, authentications } = await send((state) => {
      state.time += 25_000;
    });
    expect(response.status).toBeLessThan(300);
    expect(authentications).toHaveLength(2);
  });

  test("costs no second look where it is there soon", async () => {
    const { response, authentications } = await send((state) => {
      state.time += 4;
    });
    expect(response.status).toBeLessThan(300);
    expect(authentications).toHaveLength(1);
  });
});

test("a caller who has lost what the route asks for is refused after the body, too", async () => {
  const state = { time: 0 };
  const { request, calls } = createTestApp(
    {
      authentication: {
        session: async () => ({
          kind: "human",
          identity: ALICE,
          administrator: state.time === 0,
          spokeAt: AT,
          sessionBegunAt: AT,
        }),
      },
    },
    { clock: { now: () => AT, monotonic: () => state.time } },
  );
  const held = heldBack("{}", () => {
    state.time += 25_000;
  });
  const headers = { ...as("session"), "content-type": "application/json" };
  const init = { method: "POST", headers, body: held, duplex: "half" } as RequestInit;
  expect((await request("/v1/platforms/shop/credentials", init)).status).toBe(403);
  expect(calls).toEqual([]);
});

test.each([
  ["/discharges/019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7082", "decision=confirm"],
  ["/approvals/019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7082", "decision=approve"],
])("the form of %s does nothing for a session that has ended meanwhile", async (path, form) => {
  for (const ended of [true, false]) {
    const { request, state, calls } = ending();
    const body = heldBack(form, () => {
      state.ended = ended;
      state.time += 25_000;
    });
    const headers = { ...as("session"), origin: ORIGIN, accept: "text/html" };
    const response = await request(path, { method: "POST", headers, body, duplex: "half" } as RequestInit);
    expect(response.status).toBe(ended ? 401 : 303);
    expect(calls.length).toBe(ended ? 0 : 1);
  }
});
