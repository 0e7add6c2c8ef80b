import type { Viewer } from "../pages/viewer.ts";
import type { Exchange, HttpContext } from "./context.ts";
import { pageCaller } from "./page-caller.ts";

/** The person for the head of a page that anybody may see. Never rejects: a page does not fail for its head. */
export async function viewerOf(context: HttpContext, exchange: Exchange): Promise<Viewer> {
  try {
    return (await pageCaller(context, exchange))?.identity ?? "nobody";
  } catch {
    return "unknown";
  }
}
