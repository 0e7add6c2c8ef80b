import { parseConfig } from "../../src/config.ts";
import { serve } from "../../src/run/serve.ts";

// The service as it is, but for how it follows the revocation log: REPLICA_LISTENS=no leaves polling alone, and
// REPLICA_POLL is the pause between two reads in milliseconds.

const { REPLICA_LISTENS, REPLICA_POLL } = process.env;

const serving = await serve(parseConfig(process.env), {
  follow: {
    listens: REPLICA_LISTENS !== "no",
    ...(REPLICA_POLL === undefined ? {} : { pollMilliseconds: Number(REPLICA_POLL) }),
  },
});
process.on("SIGTERM", () => void serving.stop().then(() => process.exit(0)));
process.stderr.write("bakehouse: ready\n");
