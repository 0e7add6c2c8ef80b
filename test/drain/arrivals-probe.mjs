// Notes each connection that this process accepts, and writes the notes down when it ends: a line with the caller's port
// and the instant. `--import`ed into a service by NODE_OPTIONS; a worker that is handed connections accepts none.
import { subscribe } from "node:diagnostics_channel";
import { appendFileSync } from "node:fs";

const notes = [];
subscribe("net.server.socket", ({ socket }) => void notes.push(`${socket.remotePort} ${Date.now()}\n`));
process.once("exit", () => {
  if (notes.length > 0) appendFileSync(process.env.DRAIN_ARRIVALS, notes.join(""));
});
