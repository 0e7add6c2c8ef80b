import type { Identity } from "../../domain/ports/sessions.ts";

/** The person who is signed in; `unknown` where that could not be found out, or would cost too much. */
export type Viewer = Identity | "nobody" | "unknown";
