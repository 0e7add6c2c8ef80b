/*
 * An attacker in a process of its own, as cheap as it can be: bytes that were made before go out over raw sockets, and
 * of what comes back only the status is looked at. It goes on until its standard input ends.
 *
 *   node flooder.mjs '{"port":…,"file":FILE,"connections":…,"pause":MILLISECONDS,"stalls":BOOLEAN,"perSecond":…}'
 *
 * The file holds requests, each behind its length (4 bytes), sent in turn. Where it stalls, the last byte of each is kept
 * back. It sends no more than `perSecond`, if that is given. Prints one line of JSON: how many were sent, the statuses that came, and its part of a core.
 */
import { readFileSync } from "node:fs";
import { connect } from "node:net";

const {
  port,
  file,
  connections,
  pause,
  stalls,
  perSecond = Number.POSITIVE_INFINITY,
} = JSON.parse(process.argv[2] ?? "{}");
const all = readFileSync(file);
const requests = [];
for (let at = 0; at < all.length; at += 4 + all.readUInt32BE(at)) {
  requests.push(all.subarray(at + 4, at + 4 + all.readUInt32BE(at)));
}

const begun = performance.now();
const isAhead = () => sent >= (perSecond * (performance.now() - begun)) / 1_000;
const statuses = {};
let sent = 0;
let next = 0;

function open() {
  // Another peer than the valid callers: what it uses up is its own.
  const socket = connect({ port, host: "127.0.0.1", localAddress: "127.0.0.9" });
  let again;
  const send = () => {
    again = undefined;
    if (socket.destroyed || socket.writableLength > 0) return;
    if (isAhead()) {
      again = setTimeout(send, 2);
      return;
    }
    const request = requests[next++ % requests.length];
    socket.write(stalls ? request.subarray(0, -1) : request);
    sent++;
  };
  socket.on("connect", send);
  socket.on("data", (chunk) => {
    if (chunk.length < 12 || chunk.toString("latin1", 0, 5) !== "HTTP/") return;
    const status = chunk.toString("latin1", 9, 12);
    statuses[status] = (statuses[status] ?? 0) + 1;
    if (!stalls) again ??= setTimeout(send, pause);
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    clearTimeout(again);
    setTimeout(open, Math.max(5, pause));
  });
}
for (let index = 0; index < connections; index++) setTimeout(open, index / 2);

const before = process.cpuUsage();
process.stdin.resume();
process.stdin.on("end", () => {
  const { user, system } = process.cpuUsage(before);
  const busy = (user + system) / 1_000 / (performance.now() - begun);
  process.stdout.write(`${JSON.stringify({ sent, statuses, busy })}\n`, () => process.exit(0));
});
