/*
 * Valid callers in a process of their own: requests at fixed times over connections that are kept, whatever the service
 * does. A latency counts from when its request was due, so that a stall is not left out.
 * Without a rate each connection asks again as soon as it is answered, which shows how much is answered at most.
 *
 *   node callers.mjs '{"port":…,"request":TEXT,"expect":TEXT,"connections":…,"rate":…,"seconds":…,"warmUp":SECONDS}'
 *
 * Prints one line of JSON.
 */
import { connect } from "node:net";

const { port, request, expect, connections, rate, seconds, warmUp = 1 } = JSON.parse(process.argv[2] ?? "{}");
const bytes = Buffer.from(request);
const latencies = [];
const idle = [];
const due = [];
let wrong = 0;
let failed = 0;
let firstWrong = "";
let measuring = false;

function open() {
  let sentAt = 0;
  let received = "";
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  const ask = (at) => {
    sentAt = at;
    socket.write(bytes);
  };
  socket.setEncoding("latin1");
  socket.on("connect", () => (rate === undefined ? ask(performance.now()) : idle.push(ask)));
  socket.on("data", (chunk) => {
    received += chunk;
    const end = received.indexOf("\r\n\r\n");
    const length = /\r\ncontent-length: *(\d+)/i.exec(received);
    if (end < 0 || length === null || received.length < end + 4 + Number(length[1])) return;
    if (measuring) {
      latencies.push(performance.now() - sentAt);
      if (!received.startsWith(expect, end + 4)) {
        wrong++;
        if (received.startsWith("HTTP/1.1 5")) failed++;
        firstWrong ||= received.slice(0, 12) + received.slice(end + 4, end + 200);
      }
    }
    received = "";
    const next = rate === undefined ? performance.now() : due.shift();
    if (next === undefined) idle.push(ask);
    else ask(next);
  });
  // A connection that is lost is a request that is not answered, which the throughput shows.
  socket.on("error", () => {});
  socket.on("close", () => setTimeout(open, 20));
}
for (let index = 0; index < connections; index++) open();

const begun = performance.now();
let sent = 0;
if (rate !== undefined) setInterval(askWhatIsDue, 1);
function askWhatIsDue() {
  const wanted = ((performance.now() - begun) / 1_000) * rate;
  for (; sent < wanted; sent++) {
    const at = begun + (sent / rate) * 1_000;
    const ask = idle.shift();
    if (ask === undefined) due.push(at);
    else ask(at);
  }
}
setTimeout(() => {
  measuring = true;
  const before = process.cpuUsage();
  setTimeout(() => {
    const { user, system } = process.cpuUsage(before);
    latencies.sort((a, b) => a - b);
    const at = (part) => latencies[Math.floor(latencies.length * part)] ?? Number.POSITIVE_INFINITY;
    const busy = (user + system) / 1e6 / seconds;
    const result = {
      perSecond: latencies.length / seconds,
      p50: at(0.5),
      p99: at(0.99),
      busy,
      wrong,
      failed,
      firstWrong,
    };
    process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
  }, seconds * 1_000);
}, warmUp * 1_000);
