import { connect } from "node:net";

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";

import type { LogNews } from "../../src/domain/log-news.ts";
import { eventStream } from "../../src/http/routes/event-stream.ts";
import { memoryInUse } from "../support/heap.ts";
import { describeService } from "../support/service.ts";
import { stubRelyingParty } from "../support/service-login.ts";
import { narrow } from "../support/service-macaroons.ts";
import { turn, until } from "../support/until.ts";

interface Event {
  readonly id: string;
  readonly event: string;
  readonly data: { readonly target?: unknown; readonly staleness_ms?: number; readonly sequence: string };
}

/** Reads events of a stream until told to stop. */
async function open(url: string, headers: Readonly<Record<string, string>>) {
  const controller = new AbortController();
  const response = await fetch(url, {
    headers: { accept: "text/event-stream", ...headers },
    signal: controller.signal,
  });
  const events: Event[] = [];
  let ended = false;
  const reading = (async () => {
    let text = "";
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      const parts = text.split("\n\n");
      text = parts.pop() ?? "";
      for (const part of parts) {
        const fields = Object.fromEntries(
          part
            .split("\n")
            .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
        );
        if (fields["event"] !== undefined) {
          events.push({
            id: fields["id"] ?? "",
            event: fields["event"],
            data: JSON.parse(fields["data"] ?? ""),
          });
        }
      }
    }
  })()
    .catch(() => undefined)
    .finally(() => {
      ended = true;
    });
  return {
    response,
    events,
    revocations: () => events.filter(({ event }) => event === "revocation"),
    ended: () => ended,
    reading,
    stop: () => controller.abort(),
  };
}

/** So long between two heartbeats that a stream beats once, when it begins. */
const ONCE = 2_000_000_000;

describeService("streaming the revocation log", (service) => {
  let server: { readonly url: string; close(): Promise<void> };
  beforeAll(async () => {
    server = await service().listen();
    await service().createPlatform("other");
    await service().createPlatform("crowded");
  });
  afterAll(() => server.close());
  /** Another replica, and the address of its streams. */
  async function replicaThatBeats(heartbeatMilliseconds: number) {
    const replica = service().replica({ heartbeatMilliseconds });
    await replica.start();
    const { url: other, close } = await replica.listen();
    return { replica, url: `${other}/v1/revocations`, close };
  }
  const url = () => `${server.url}/v1/revocations`;
  const headers = (platform = "default") => ({ ...service().asPlatform(platform) });

  test("sends what was, then what comes, then heartbeats that say how old knowledge is", async () => {
    await service().revoke([{ agent: "was" }], service().asPlatform());
    const { replica, url: other, close } = await replicaThatBeats(ONCE);
    const begun = performance.now();
    const stream = await open(other, headers());
    expect(stream.response.headers.get("content-type")).toBe("text/event-stream");
    expect(stream.response.headers.get("cache-control")).toBe("no-store");
    await until(() => stream.events.some(({ event }) => event === "heartbeat"));
    const elapsed = performance.now() - begun;
    const made = await service().revoke([{ agent: "comes" }, { agent: "too" }], service().asPlatform());
    // No heartbeat wakes the stream: what comes does.
    await until(() => stream.revocations().length === 3);
    expect(stream.revocations().slice(1)).toEqual(
      made.revocations.map((entry) => ({ id: entry.sequence, event: "revocation", data: entry })),
    );
    const beat = stream.events.find(({ event }) => event === "heartbeat");
    expect(beat?.data.staleness_ms).toBeGreaterThanOrEqual(0);
    expect(beat?.data.staleness_ms).toBeLessThanOrEqual(Math.ceil(elapsed));
    expect(beat?.id).toBe(beat?.data.sequence);
    stream.stop();
    await close();
    await replica.stop();
  });

  test("begins for a platform with the key of agents that others have named", async () => {
    const key = await service().get("/v1/revocations?limit=1", service().asPlatform());
    const streams = [await open(url(), headers()), await open(url(), { ...service().asAdmin() })];
    await until(() => streams.every(({ events }) => events.length > 0));
    const [ours, all] = streams;
    const { hash_key } = key.json<{ hash_key: string }>();
    expect(ours?.events[0]).toEqual({ id: "", event: "hash_key", data: { hash_key } });
    expect(all?.events.map(({ event }) => event)).not.toContain("hash_key");
    for (const { stop } of streams) stop();
  });

  test("goes on after Last-Event-ID, which wins over after; nothing is lost or sent twice over reconnections", async () => {
    const seen: string[] = [];
    let last = (await service().revoke([{ agent: "resume-0" }], service().asPlatform())).sequence;
    for (let round = 1; round <= 4; round++) {
      await service().revoke([{ agent: `resume-${round}a` }], service().asPlatform());
      const stream = await open(`${url()}?after=${last}`, { ...headers(), "last-event-id": last });
      await service().revoke([{ agent: `resume-${round}b` }], service().asPlatform());
      await until(() => stream.revocations().length === 2);
      seen.push(...stream.revocations().map(({ data }) => (data.target as { agent: string }).agent));
      last = stream.events.at(-1)?.id ?? last;
      stream.stop();
      await stream.reading;
    }
    expect(seen).toEqual([1, 2, 3, 4].flatMap((round) => [`resume-${round}a`, `resume-${round}b`]));
  });

  test("shows a platform nothing of another one's", async () => {
    const mine = await open(url(), headers("other"));
    await service().revoke([{ agent: "foreign" }], service().asPlatform());
    await service().revoke([{ agent: "own" }], service().asPlatform("other"));
    await until(() => mine.revocations().length > 0);
    expect(mine.revocations().map(({ data }) => data.target)).toEqual([
      expect.objectContaining({ agent: "own" }),
    ]);
    mine.stop();
  });

  test.each([
    { name: "another epoch", id: `${"0".repeat(32)}-1`, status: 410 },
    { name: "no sequence", id: "nonsense", status: 400 },
    { name: "text that cannot be one", id: "a b", status: 400 },
  ])("refuses $name before anything is streamed", async ({ id, status }) => {
    const stream = await open(url(), { ...headers(), "last-event-id": id });
    expect(stream.response.status).toBe(status);
    expect(stream.response.headers.get("content-type")).toBe("application/problem+json");
    stream.stop();
  });

  test("needs a credential that may read, and is no HEAD", async () => {
    for (const [status, who] of [
      [401, {}],
      [403, service().asHuman("alice")],
    ] as const) {
      const stream = await open(url(), who);
      expect(stream.response.status).toBe(status);
      stream.stop();
    }
    const head = await fetch(url(), {
      method: "HEAD",
      headers: { ...headers(), accept: "text/event-stream" },
    });
    expect([head.status, head.headers.get("content-type")]).toEqual([200, "application/json"]);
  });

  test("ends once its credential is revoked", async () => {
    const made = await service().send("POST", "/v1/platforms/other/credentials", {}, service().asAdmin());
    const { token } = made.json<{ token: string }>();
    const { replica, url: other, close } = await replicaThatBeats(100);
    const stream = await open(other, { authorization: `Bearer ${token}` });
    await until(() => stream.events.length > 0);
    await service().revoke([{ token }]);
    await until(stream.ended);
    await close();
    await replica.stop();
  });

  test("ends once its credential is revoked, though no heartbeat is due, and says nothing after it", async () => {
    const made = await service().send("POST", "/v1/platforms/other/credentials", {}, service().asAdmin());
    const { token } = made.json<{ token: string }>();
    const { replica, url: other, close } = await replicaThatBeats(ONCE);
    const stream = await open(other, { authorization: `Bearer ${token}` });
    await until(() => stream.events.length > 0);
    await service().revoke([{ token }]);
    await until(() => replica.knowledge.position().number >= service().knowledge.position().number);
    await until(stream.ended);
    const said = stream.events.length;
    await service().revoke([{ agent: "later" }], service().asPlatform("other"));
    expect(stream.events.length).toBe(said);
    await close();
    await replica.stop();
  });

  test("says nothing to an administrator who has signed out, though no heartbeat is due", async () => {
    const people = stubRelyingParty();
    const { relyingParty } = people;
    const replica = service().replica({ heartbeatMilliseconds: ONCE, relyingParty });
    await replica.start();
    const { url: other, close } = await replica.listen();
    const session = await people.login(replica.request, { subject: "root", groups: ["admins"] });
    const stream = await open(`${other}/v1/revocations`, session);
    expect(stream.response.status).toBe(200);
    await until(() => stream.events.some(({ event }) => event === "heartbeat"));
    const out = await replica.request("/logout", { method: "POST", headers: session });
    expect(out.status).toBe(303);
    await service().revoke([{ agent: "after-logout" }], service().asPlatform());
    await until(stream.ended);
    expect(JSON.stringify(stream.events)).not.toContain("after-logout");
    await close();
    await replica.stop();
  });

  test("gives way to a wider credential's, and not to one that is as narrow", async () => {
    const made = await service().send("POST", "/v1/platforms/crowded/credentials", {}, service().asAdmin());
    const { token } = made.json<{ token: string }>();
    const as = (text: string) => open(url(), { authorization: `Bearer ${text}` });
    const narrowed = narrow(token, "action = read");
    const streams: Awaited<ReturnType<typeof as>>[] = [];
    for (let n = 0; n < 16; n++) streams.push(await as(narrowed));
    expect(streams.map(({ response }) => response.status)).toEqual(streams.map(() => 200));
    expect((await as(narrow(token, "action in read, issue"))).response.status).toBe(429);
    expect((await as(narrow(narrowed, "method = GET"))).response.status).toBe(429);
    const wide = await as(token);
    expect(wide.response.status).toBe(200);
    await until(() => streams.filter(({ ended }) => ended()).length === 1);
    // Another credential of the platform has places of its own.
    const other = await open(url(), headers("crowded"));
    expect(other.response.status).toBe(200);
    for (const { stop } of [...streams, wide, other]) stop();
    await until(async () => {
      const again = await as(token);
      again.stop();
      return again.response.status === 200;
    });
  });

  test("gives way to no credential that it was not narrowed from, however few links that one has", async () => {
    const made = await service().send("POST", "/v1/platforms/crowded/credentials", {}, service().asAdmin());
    const { token } = made.json<{ token: string }>();
    const as = (text: string) => open(url(), { authorization: `Bearer ${text}` });
    const deep = await as(narrow(narrow(token, "action in read, verify"), "ip within 127.0.0.0/8"));
    const streams = [deep];
    for (let n = 1; n < 16; n++) streams.push(await as(narrow(token, "action in read, verify")));
    expect((await as(narrow(token, "action = read"))).response.status).toBe(429);
    expect(deep.ended()).toBe(false);
    const parent = await as(narrow(token, "action in read, verify"));
    expect(parent.response.status).toBe(200);
    await until(deep.ended);
    for (const { stop } of [...streams, parent]) stop();
  });

  test("holds one credential to a number of streams, gives places back, and leaves the others theirs", async () => {
    const streams = [];
    for (let n = 0; n < 16; n++) streams.push(await open(url(), headers("crowded")));
    expect(streams.map(({ response }) => response.status)).toEqual(streams.map(() => 200));
    const one = await open(url(), headers("crowded"));
    expect(one.response.status).toBe(429);
    const other = await open(url(), headers("other"));
    expect(other.response.status).toBe(200);
    other.stop();
    for (const { stop } of streams) stop();
    await until(async () => {
      const again = await open(url(), headers("crowded"));
      again.stop();
      return again.response.status === 200;
    });
  });

  test("ends at once where the replica stops, which takes no new one then", async () => {
    const { replica, url: other, close } = await replicaThatBeats(ONCE);
    const stream = await open(other, headers());
    await until(() => stream.events.length > 0);
    replica.endWaits();
    await stream.reading;
    expect((await open(other, headers())).response.status).toBe(503);
    await close();
    await replica.stop();
  });

  test("a reader that takes nothing holds one page, and the others go on", async () => {
    const socket = connect({ port: Number(new URL(server.url).port), host: "127.0.0.1" });
    socket.pause();
    const head = Object.entries(headers()).map(([name, value]) => `${name}: ${value}`);
    socket.write(
      ["GET /v1/revocations HTTP/1.1", "host: x", "accept: text/event-stream", ...head, "", ""].join("\r\n"),
    );
    const fast = await open(url(), headers());
    const before = memoryInUse().heapUsed;
    const note = "x".repeat(480);
    for (let n = 0; n < 8; n++) {
      const targets = Array.from({ length: 1_000 }, (_, m) => ({ agent: `slow-${n}-${m}` }));
      const answer = await service().send(
        "POST",
        "/v1/revocations",
        { targets, reason: note },
        service().asPlatform(),
      );
      expect(answer.status).toBe(200);
    }
    await until(() => fast.revocations().length >= 8_000);
    fast.stop();
    const held = memoryInUse().heapUsed - before;
    // 8,000 entries of this size are 6 MB on the wire; what the fast reader and the set hold is in it too.
    expect(held).toBeLessThan(100_000_000);
    socket.destroy();
  });
});

describe("a stream as the body of an answer", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  afterEach(() => void vi.useRealTimers());

  const endless = (taken: { count: number; closed: boolean }) => ({
    next: async (): Promise<LogNews> => {
      taken.count += 1;
      return {
        kind: "heartbeat",
        sequence: "e-1",
        ageMilliseconds: Number.POSITIVE_INFINITY,
        openMilliseconds: 0,
      };
    },
    close: () => {
      taken.closed = true;
    },
  });

  test("reads nothing ahead, and disconnects a reader that takes nothing", async () => {
    const taken = { count: 0, closed: false };
    const reader = eventStream(endless(taken), 50).getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toMatch(/^retry: \d+\n\n$/);
    expect(taken.count).toBe(0);
    expect(new TextDecoder().decode((await reader.read()).value)).toContain('"staleness_ms":null');
    await turn();
    vi.advanceTimersByTime(49);
    expect(taken).toEqual({ count: 1, closed: false });
    vi.advanceTimersByTime(1);
    expect(taken).toEqual({ count: 1, closed: true });
    await expect(reader.read()).rejects.toThrow();
  });

  test("gives up its place where nobody ever reads it", async () => {
    const taken = { count: 0, closed: false };
    eventStream(endless(taken), 30);
    vi.advanceTimersByTime(29);
    expect(taken).toEqual({ count: 0, closed: false });
    vi.advanceTimersByTime(1);
    expect(taken).toEqual({ count: 0, closed: true });
  });

  test("ends in good order where the log says so, or fails", async () => {
    for (const next of [async () => undefined, async () => Promise.reject(new Error("gone"))]) {
      let closed = false;
      const close = () => {
        closed = true;
      };
      const reader = eventStream({ next, close }, 1_000).getReader();
      await reader.read();
      expect(await reader.read()).toEqual({ done: true, value: undefined });
      expect(closed).toBe(true);
    }
  });
});
