/** What stands above the routes in openapi.yaml. */
export const INTRODUCTION = `Bakehouse issues tokens for AI agents. A human signs in and gets a **root macaroon**; an orchestrator narrows it
offline, as often as it likes, for its sub-agents; a platform asks **one question per call**: may this token do this,
now? When something goes wrong, anyone in charge **revokes one link**, and everything below it dies.

**Who calls.** \`Authorization: Bearer\` and one credential: a human's ID token, or a macaroon of this API (a platform's
credential or an administrator's). Or a browser's session cookie, whose writes need the \`Origin\` of this service. Where
both are sent, the bearer credential counts.

**Requests.** JSON, at most 1 MiB (a batch 16 MiB), read strictly: unknown, repeated and mistyped members, U+0000 and
lone surrogates are refused, and the refusal names the member. Query parameters likewise.

**Answers.** Times are RFC 3339 in UTC with milliseconds; lives are whole seconds; ids and sequences are opaque. A member
that has no value is left out. Lists are \`{"items":[…],"next_cursor":…}\`, \`next_cursor\` being null at the end. Every
answer carries \`X-Request-Id\`: the caller's own where it is 1 to 40 letters, digits and \`. _ -\`, else a new one.
A \`traceparent\` (W3C Trace Context) makes a request a part of its caller's trace, if the service's operator records traces.

**Errors** are RFC 9457 problem documents with a stable \`code\`, listed under *Problem*. Foreign and unknown things look
the same. A method that a path does not have is \`405\` with \`Allow\`; a path that does not exist is \`404\`. \`503\` means
that no answer could be reached: never treat it as allowed, nor as refused.`;

/** The groups of routes. */
export const TAGS = [
  { name: "Tokens", description: "Issuing root macaroons, and the record of what was issued." },
  { name: "Verify", description: "The question that a platform asks for each call." },
  { name: "Revocations", description: "Cutting off a link and everything below it, and the log of it." },
  { name: "Discharges", description: "Proving what third-party caveats of this service ask." },
  { name: "Approvals", description: "What people are asked, and what they say." },
  {
    name: "Bakery",
    description:
      'macaroon-bakery\'s protocol, for its stock clients (`Bakery-Protocol-Version`). Its errors are `{"Code","Message"}`.',
  },
  {
    name: "OAuth",
    description:
      "The authorization server: people let clients have tokens for one resource. Errors carry `error` (RFC 6749).",
  },
  { name: "Platforms", description: "Applications that own tokens, their policies and credentials." },
  { name: "Keys", description: "The root keys that sign." },
  { name: "Audit", description: "What was done, in a log that outsiders can check." },
  { name: "Browser", description: "Signing in and out, and the front page. For people, not for programs." },
  { name: "Service", description: "Health and this description." },
] as const;
