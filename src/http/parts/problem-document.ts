import { type ProblemCode, problemType } from "../../words/problem-codes.ts";
import { PROBLEMS } from "./problem-codes.ts";

// Apart from problem.ts, which knows the domain's errors: the first of several processes writes problems too, and a
// bundle of it that shared those errors with the command line took them out of the file that tells of missing ones.

/** A problem document (RFC 9457 §3). */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ProblemCode;
  readonly detail: string;
  /** The part of the request that is at fault: a path into the body, a query parameter or a header. */
  readonly member?: string;
  /** The things that must be so for this service to answer; of `GET /readyz` alone. */
  readonly checks?: readonly { readonly name: string; readonly ok: boolean; readonly detail?: string }[];
}

/** Makes a problem document. */
export function problem(code: ProblemCode, detail: string, member?: string): Problem {
  const { status, title } = PROBLEMS[code];
  const type = problemType(code);
  return { type, title, status, code, detail, ...(member !== undefined && member !== "" ? { member } : {}) };
}
