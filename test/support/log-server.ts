import type { LogServer } from "../../src/domain/ports/log-server.ts";

/** The server that a log belongs to, as it answers. */
export const OWN_SERVER: LogServer = {
  inRecovery: false,
  here: { systemIdentifier: "71", database: "5.16", timeline: 1 },
  home: { systemIdentifier: "71", database: "5.16", timeline: 1 },
  disputed: null,
  wasSynchronous: false,
  isSynchronous: false,
};

/** The same once a standby of it was promoted. */
export const PROMOTED: LogServer = { ...OWN_SERVER, here: { ...OWN_SERVER.here, timeline: 2 } };
