import { z } from "zod";

import { PROBLEM_CODES, problemType } from "../../words/problem-codes.ts";
import { PROBLEMS } from "../parts/problem-codes.ts";

const codes = PROBLEM_CODES.map(
  (code) => `- \`${code}\` (${PROBLEMS[code].status}): ${PROBLEMS[code].description}`,
);

/** A problem document, as answers write it. */
export const problemSchema = z
  .strictObject({
    type: z.string().meta({ description: `\`${problemType("")}\` and the code.` }),
    title: z.string().meta({ description: "The same for every problem of this code." }),
    status: z.int(),
    code: z
      .enum(PROBLEM_CODES)
      .meta({ description: `Stable: added to, never renamed.\n\n${codes.join("\n")}` }),
    detail: z
      .string()
      .meta({ description: "What is wrong this time, for people. Names and sizes, never contents." }),
    member: z.string().optional().meta({
      description:
        "What is at fault: a path into the body (`targets[0].token_id`), a query parameter or a header.",
    }),
    checks: z
      .array(z.strictObject({ name: z.string(), ok: z.boolean(), detail: z.string().optional() }))
      .optional()
      .meta({
        description:
          "Of `GET /readyz` alone: `serving` (not told to stop), `revocations` (known as of now), `clock` (agrees with the " +
          "database's); `for=write` adds `database` (it answers) and `changes` (it takes them). More may come. `detail` is " +
          "there for a service's credential.",
      }),
  })
  .meta({
    id: "Problem",
    description: "RFC 9457. Every error of this API is one.",
    examples: [
      {
        type: problemType("invalid_request"),
        title: "The request is not valid",
        status: 400,
        code: "invalid_request",
        detail: "ttl must be a whole number",
        member: "ttl",
      },
    ],
  });

/** A problem document of an OAuth endpoint. */
export const oauthProblemSchema = problemSchema
  .extend({
    error: z.string().meta({ description: "OAuth's own code (RFC 6749 §5.2)." }),
    error_description: z.string().meta({ description: "As `detail`, in OAuth's characters." }),
  })
  .meta({ id: "OAuthProblem", description: "A problem with OAuth's members beside its own.", examples: [] });
