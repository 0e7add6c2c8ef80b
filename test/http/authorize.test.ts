import { describe, expect, test } from "vitest";

import { ROUTES } from "../../src/http/routes/all.ts";
import type { CREDENTIALS } from "../support/fake-service.ts";
import { as, createTestApp, problemOf } from "./app.ts";

type Who = keyof typeof CREDENTIALS;

const EVERYONE: readonly Who[] = ["administrator", "platform", "human"];

/** Of every route with a body and a caller, who may ask: everybody else is refused whatever the body says. */
const MAY: Readonly<Record<string, readonly Who[]>> = {
  "POST /v1/verify": ["platform", "human"],
  "POST /v1/verify/batch": ["platform"],
  "POST /v1/reservations/{id}/settle": ["platform"],
  "POST /v1/tokens": ["platform", "human"],
  "POST /v1/platforms": ["administrator"],
  "POST /v1/platforms/{name}/credentials": ["administrator"],
  "PUT /v1/platforms/{name}/policy": ["administrator"],
  "POST /v1/platforms/{name}/policy": ["administrator"],
  "PATCH /v1/platforms/{name}": ["administrator"],
  "POST /v1/platforms/{name}/resources": ["administrator", "platform"],
  "PUT /v1/platforms/{name}/resources/{id}": ["administrator", "platform"],
  "POST /v1/clients": ["administrator"],
  "POST /v1/keys/rotate": ["administrator", "platform"],
  "POST /v1/approvals/{id}": ["human"],
};

const routes = ROUTES.filter(({ body, auth }) => body !== undefined && auth === "caller");

test("every route that takes a body of a caller says who may", () => {
  expect(routes.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(Object.keys(MAY).sort());
});

/** A body that counts how often somebody asked for more of it. */
function unread() {
  let pulls = 0;
  const body = new ReadableStream(
    {
      pull(controller) {
        pulls++;
        controller.enqueue(new TextEncoder().encode("["));
        controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  return { body, pulls: () => pulls };
}

describe.each(routes)("$method $path", ({ method, path }) => {
  const may = MAY[`${method} ${path}`] ?? [];
  const target = path.replace("{name}", "default").replace("{id}", "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7082");
  const send = async (who: Who) => {
    const { request, calls } = createTestApp();
    const { body, pulls } = unread();
    const headers = { ...as(who), "content-type": "application/json" };
    const response = await request(target, { method, headers, body, duplex: "half" } as RequestInit);
    expect(calls).toEqual([]);
    return { problem: await problemOf(response), pulls };
  };

  test.each(EVERYONE.filter((who) => !may.includes(who)))("refuses a %s, and reads nothing", async (who) => {
    const { problem, pulls } = await send(who);
    expect(problem).toMatchObject({ status: 403, code: "forbidden" });
    expect(pulls()).toBe(0);
  });

  test.each(may)("reads what a %s sends", async (who) => {
    const { problem, pulls } = await send(who);
    expect(problem).toMatchObject({ status: 400, code: "invalid_request" });
    expect(pulls()).toBe(1);
  });
});

test("a platform's credential that may do something else only is refused, and nothing is read", async () => {
  const refuses = (action: string) => (action === "verify" ? "it says no" : undefined);
  const { request } = createTestApp({
    authentication: {
      bearer: async () => ({
        kind: "service",
        role: "platform",
        platform: "default",
        credentialId: "c",
        links: ["link"],
        narrowed: [],
        resource: undefined,
        refuses,
      }),
    },
  });
  const { body, pulls } = unread();
  const headers = { ...as("platform"), "content-type": "application/json" };
  const init = { method: "POST", headers, body, duplex: "half" } as RequestInit;
  expect(await problemOf(await request("/v1/verify/batch", init))).toMatchObject({
    status: 403,
    detail: "it says no",
  });
  expect(pulls()).toBe(0);
});
