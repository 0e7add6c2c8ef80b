import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

import { expect } from "vitest";

import type { Service } from "../../src/domain/service.ts";
import { type AppOptions, createApp } from "../../src/http/app.ts";
import type { FailureEvent, FaultEvent, RequestEvent } from "../../src/http/log/log.ts";
import { breaches, OPENAPI_TEXT } from "../support/contract.ts";
import { AT, CREDENTIALS, createFakeService } from "../support/fake-service.ts";

const DOCS_FOLDER = dirname(fileURLToPath(import.meta.resolve("swagger-ui-dist/package.json")));

export const ORIGIN = "http://127.0.0.1:8080";
export const HTTPS_ORIGIN = "https://bakehouse.example";

type Parts = Parameters<typeof createFakeService>[0];

/** A request's headers for a caller that the fake service knows. */
export function as(who: keyof typeof CREDENTIALS, origin = ORIGIN): Record<string, string> {
  if (who !== "session") return { authorization: `Bearer ${CREDENTIALS[who]}` };
  const name = origin.startsWith("https:") ? "__Host-bakehouse" : "bakehouse";
  return { cookie: `${name}=${CREDENTIALS.session}`, origin };
}

/** Somebody who may ask under a path: others are refused before their body is looked at. */
export function whoMay(path: string): keyof typeof CREDENTIALS {
  if (/^\/(?:v1\/(?:verify|reservations|tokens)|oauth\/introspect)/.test(path)) return "platform";
  return /^\/v1\/(?:approvals|sessions)/.test(path) ? "human" : "administrator";
}

/** The app over a fake service. Every answer that passes through `request` is held against openapi.yaml. */
export function createTestApp(parts: Parts = {}, overrides: Partial<AppOptions> = {}) {
  const fake = createFakeService(parts);
  const requests: RequestEvent[] = [];
  const faults: FaultEvent[] = [];
  const failures: FailureEvent[] = [];
  let monotonic = 0;
  const publicUrl = overrides.publicUrl ?? ORIGIN;
  const service: Service = fake.service;
  const options: AppOptions = {
    service,
    publicUrl,
    log: {
      request: (event) => requests.push(event),
      fault: (event) => faults.push(event),
      failure: (event) => failures.push(event),
    },
    clock: { now: () => AT, monotonic: () => (monotonic += 1.5) },
    version: "1.2.3",
    openapi: OPENAPI_TEXT,
    docsFolder: DOCS_FOLDER,
    scrape: async () => ({ contentType: "text/plain", text: "" }),
    peer: () => "192.0.2.7",
    ...overrides,
  };
  const app = createApp(options);

  async function request(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await app.request(new URL(path, publicUrl).href, init);
    const pathname = new URL(path, publicUrl).pathname;
    expect(
      await breaches(init.method ?? "GET", pathname, response),
      `${init.method ?? "GET"} ${path}`,
    ).toEqual([]);
    return response;
  }

  /** Sends JSON, by default as somebody who may. */
  async function send(
    method: string,
    path: string,
    body: unknown,
    headers: Record<string, string> = as(whoMay(path)),
  ) {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return request(path, { method, headers: { "content-type": "application/json", ...headers }, body: text });
  }

  const { calls, authentications } = fake;

  /** Forgets what was recorded, for the next test on the same app. */
  function forget(): void {
    for (const record of [calls, authentications, requests, faults, failures]) record.length = 0;
  }
  return { app, options, request, send, calls, authentications, requests, faults, failures, forget };
}

/** Reads a problem document. */
export async function problemOf(response: Response) {
  const problem: { status: number; code: string; detail: string; member?: string; error?: string } =
    JSON.parse(await response.text());
  // Stock OAuth clients read theirs as JSON alone.
  const type = problem.error === undefined ? "application/problem+json" : "application/json";
  expect(response.headers.get("content-type")).toBe(type);
  return problem;
}

/** Reads a body of JSON as what the test expects it to be. */
export async function read<T = Readonly<Record<string, unknown>>>(response: Response): Promise<T> {
  const value: unknown = await response.json();
  return value as T;
}
