import { gzipSync } from "node:zlib";

import type { Choices } from "../choices.ts";
import { brokenJson, brokenText, brokenValue } from "./breakages.ts";
import { createMaker } from "./from-schema.ts";
import type { DescribedOperation } from "./operations.ts";
import type { Target } from "./target.ts";

/** A request that was made, as it goes over the wire. */
export interface MadeRequest {
  readonly operation: DescribedOperation;
  readonly method: string;
  /** The target as it stands in the request line. */
  readonly target: string;
  readonly caller: string;
  readonly bytes: Buffer;
  /** Whether its frame is wrong, so that the connection may end without an answer, and our side has to end. */
  readonly isCut: boolean;
}

/** Fields of the forms that openapi.yaml describes in words alone. */
const FORM_FIELDS =
  "id id64 caveat64 token token64 token-kind decision user_code state code grant_type response_type client_id redirect_uri scope resource code_challenge code_challenge_method nonce prompt login_hint secret".split(
    " ",
  );

const ODD_HEADERS: readonly (readonly [name: string, values: readonly string[]])[] = [
  [
    "accept",
    ["text/html", "application/json", "text/event-stream", "image/svg+xml", "text/plain;q=0.1", "*/*", "x"],
  ],
  ["accept-encoding", ["gzip", "br;q=1, *;q=0", "\u00ff"]],
  ["content-encoding", ["gzip", "identity", "br", "deflate, gzip"]],
  ["expect", ["100-continue", "200-ok"]],
  ["origin", ["null", "https://evil.example", "http://127.0.0.1"]],
  ["sec-fetch-site", ["cross-site", "same-origin", "none"]],
  ["traceparent", ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0-0-0", "ff", "\u00e9"]],
  ["x-request-id", ["abc.DEF_1-2", "a".repeat(41), "a b", "\u00e9"]],
  ["if-match", ['"x"', "*", 'W/"x"', "x".repeat(500)]],
  ["if-none-match", ['"x"', "*"]],
  ["range", ["bytes=0-1", "bytes=-1"]],
  ["dpop", ["a.b.c", "e30.e30.e30", ""]],
  ["bakehouse-endorsements", ["a.b.c", "a.b.c, d.e.f"]],
  ["bakehouse-credential", ["AAAA", "Bearer AAAA"]],
  ["bakery-protocol-version", ["3", "2", "99", "-1"]],
  ["macaroons", ["W10=", "e30=", "!", "AAAA"]],
  ["forwarded", ["for=192.0.2.1", "for=unknown", 'for="[::1]"', "for=_x;;;"]],
  ["x-http-method-override", ["DELETE"]],
  ["last-event-id", ["x-1", "é", ""]],
  ["te", ["trailers"]],
  ["cookie", ["bakehouse=x", "bakehouse=x; bakehouse=y", "a".repeat(9_000), "=;=;"]],
];

const MEDIA_TYPES = [
  "text/plain",
  "application/json; charset=utf-8",
  "application/json; charset=utf-16",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "application/json, text/plain",
  "",
];

/** Query and form texts: all but what has to be written otherwise. */
const pair = (name: string, value: unknown) =>
  `${encodeURIComponent(name).slice(0, 4_000)}=${encodeURIComponent(String(value).toWellFormed()).slice(0, 20_000)}`;

/** Makes requests for a service, one for each number. */
export function makeRequest(choices: Choices, operation: DescribedOperation, target: Target): MadeRequest {
  const maker = createMaker(choices, target.known);
  /** Half of all requests are as openapi.yaml describes them; the others have one thing wrong or more. */
  const isValid = choices.chance(0.4);
  const isWrong = (part: number) => !isValid && choices.chance(part);

  function pathOf(): string {
    const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => {
      const schema = operation.parameters.find((one) => one.name === name)?.schema ?? { type: "string" };
      const text = String(maker.value(schema, name)).toWellFormed();
      const sent = isWrong(0.2) ? brokenText(choices, text).toWellFormed() : text;
      return isWrong(0.1)
        ? choices.pick(["%00", "%2e%2e", "..", "%", "%zz", "%ff", "a%2fb"])
        : encodeURIComponent(sent);
    });
    return isWrong(0.03)
      ? choices.pick([`/${path}`, `${path}/`, path.toUpperCase(), `${path}#x`, `/.${path}`])
      : path;
  }

  function queryOf(): string {
    const pairs = operation.parameters
      .filter((one) => one.in === "query" && (one.required || choices.chance(0.4)))
      .flatMap(({ name, schema }) => {
        const value = String(maker.value(schema, name));
        const sent = pair(name, isWrong(0.3) ? brokenText(choices, value) : value);
        return isWrong(0.1) ? [sent, sent] : [sent];
      });
    if (operation.parameters.length === 0 && choices.chance(0.3)) {
      const name = choices.pick(FORM_FIELDS);
      pairs.push(pair(name, maker.value({ type: "string" }, name)));
    }
    if (isWrong(0.1))
      pairs.push(choices.pick(["surprise=1", "__proto__=x", "&&", "%", "%ff=%ff", "a".repeat(17_000)]));
    return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
  }

  function formOf(value: unknown): string {
    const members: Readonly<Record<string, unknown>> =
      typeof value === "object" && value !== null ? { ...value } : {};
    const sent = Object.entries(members).map(([name, one]) => pair(name, one));
    if (isWrong(0.2)) sent.push(choices.pick([sent[0] ?? "a=b", "&".repeat(40), "%", "a=%ff", "%00=%00"]));
    return sent.join("&");
  }

  /** The body, and its media type. */
  function bodyOf(): { readonly body: Buffer; readonly type: string } | undefined {
    const { body } = operation;
    if (body === undefined) {
      if (operation.method === "GET" || operation.method === "DELETE") {
        return isWrong(0.1) ? { body: Buffer.from("{}"), type: "application/json" } : undefined;
      }
      const fields = FORM_FIELDS.filter(() => choices.chance(0.2));
      const value = Object.fromEntries(fields.map((name) => [name, maker.value({ type: "string" }, name)]));
      return { body: Buffer.from(formOf(value)), type: "application/x-www-form-urlencoded" };
    }
    let value =
      body.example !== undefined && choices.chance(0.3) ? body.example : maker.value(body.schema, "");
    while (isWrong(0.45)) value = brokenValue(choices, value);
    if (body.mediaType !== "application/json")
      return { body: Buffer.from(formOf(value)), type: body.mediaType };
    const text = JSON.stringify(value) ?? "";
    const sent = Buffer.from(isWrong(0.25) ? brokenJson(choices, text) : text);
    if (sent.length > 0 && isWrong(0.05)) sent[choices.below(sent.length)] = 0x80 + choices.below(0x80);
    return { body: sent, type: body.mediaType };
  }

  const [caller, credentials] = choices.pick([...target.callers()]);
  const at = pathOf() + queryOf();
  const method = isWrong(0.03)
    ? choices.pick(["PATCH", "HEAD", "OPTIONS", "TRACE", "get", "POST"])
    : operation.method;
  const peer = `10.${choices.below(256)}.${choices.below(256)}.${choices.below(256)}`;
  const headers: (readonly [string, string])[] = [
    [
      "host",
      isWrong(0.02) ? choices.pick(["", "evil.example", "a b", "127.0.0.1:1"]) : new URL(target.url).host,
    ],
    ["connection", "close"],
    ["x-forwarded-for", isWrong(0.03) ? choices.pick(["", "unknown", "a, b", "::1", "1.2.3"]) : peer],
    ...Object.entries(credentials),
  ];
  for (const { name, schema, ...one } of operation.parameters) {
    if (one.in !== "header" || !choices.chance(0.4)) continue;
    const value = String(maker.value(schema, name)).replace(/[\r\n\0]/g, "");
    headers.push([name, isWrong(0.3) ? choices.pick(["", " ", "\u00ff", "x".repeat(300)]) : value]);
  }
  while (isWrong(0.35)) {
    const [name, values] = choices.pick(ODD_HEADERS);
    headers.push([name, choices.pick(values)]);
  }
  if (isWrong(0.05)) headers.push(["authorization", `Bearer ${target.planted}`]);

  const made = bodyOf();
  const { bytes, isCut } = written(method, at, headers, made);
  return { operation, method, target: at, caller, bytes, isCut };

  /** The whole request in bytes, framed in one of the ways that there are, or in none. */
  function written(
    verb: string,
    path: string,
    all: readonly (readonly [string, string])[],
    content: { readonly body: Buffer; readonly type: string } | undefined,
  ): { readonly bytes: Buffer; readonly isCut: boolean } {
    const lines = all.map(([name, value]) => `${name}: ${value}`);
    const parts: Buffer[] = [];
    let cut = false;
    if (content !== undefined) {
      const type = isWrong(0.1) ? choices.pick(MEDIA_TYPES) : content.type;
      if (!isWrong(0.03)) lines.push(`content-type: ${type}`);
      const isZipped = isWrong(0.04);
      if (isZipped) lines.push("content-encoding: gzip");
      const body = isZipped ? gzipSync(content.body) : content.body;
      const wrong = isWrong(0.08) ? choices.below(6) : 6;
      cut = wrong < 6;
      if (wrong === 0) lines.push(`content-length: ${body.length + 1 + choices.below(100)}`);
      else if (wrong === 1) lines.push(`content-length: ${Math.max(0, body.length - 1 - choices.below(10))}`);
      else if (wrong === 2)
        lines.push(`content-length: ${body.length}`, `content-length: ${body.length + 1}`);
      else if (wrong === 3)
        lines.push(
          `content-length: ${choices.pick(["-1", "1e3", "0x10", "99999999999999999999", "2000000"])}`,
        );
      else if (wrong === 4) lines.push(`content-length: ${body.length}`, "transfer-encoding: chunked");
      else if (wrong === 5) {
        lines.push("transfer-encoding: chunked");
        parts.push(Buffer.from(choices.pick(["zz\r\n", "-1\r\n", "ffffffffffffffff\r\n", "5;x=y\r\nab"])));
      } else if (choices.chance(0.15)) {
        lines.push("transfer-encoding: chunked");
        const middle = choices.below(body.length + 1);
        for (const chunk of [body.subarray(0, middle), body.subarray(middle)])
          if (chunk.length > 0)
            parts.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n"));
        parts.push(Buffer.from("0\r\n\r\n"));
      } else lines.push(`content-length: ${body.length}`);
      if (parts.length === 0) parts.push(body);
    }
    const line = `${verb} ${path} HTTP/1.1`;
    const head = Buffer.from(`${line}\r\n${lines.join("\r\n")}\r\n\r\n`, isWrong(0.02) ? "utf8" : "latin1");
    return { bytes: Buffer.concat([head, ...parts]), isCut: cut || verb === "get" };
  }
}
