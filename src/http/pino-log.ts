import type { Logger } from "pino";

import type { HttpLog } from "./log.ts";

/** Writes this adapter's events with pino: requests at `info`, or `warn` where the service could not answer. */
export function pinoHttpLog(logger: Pick<Logger, "info" | "warn" | "error">): HttpLog {
  return {
    request(event) {
      const fields = {
        event: "request",
        request_id: event.requestId,
        method: event.method,
        route: event.route,
        status: event.status,
        milliseconds: event.milliseconds,
        caller: event.caller,
        code: event.code,
      };
      if (event.status >= 500) logger.warn(fields);
      else logger.info(fields);
    },
    fault(event) {
      const { requestId, route, name, code, frames } = event;
      logger.error({ event: "fault", request_id: requestId, route, name, code, frames });
    },
  };
}
