/*
 * A load generator on one core: keep-alive connections over `node:net`, each with one request under way.
 *
 *   node load-child.mjs '{"port":…,"path":…,"headers":{…},"bodies":FILE,"from":…,"connections":…,"seconds":…,"rate"?:…,"expect":TEXT}'
 *
 * Without a rate each connection asks again as soon as it is answered. With one, requests are due at fixed times
 * whatever the server does, and latency counts from when a request was due, so that a stall is not left out.
 * Requests are made before it begins, answers are read into one buffer a connection, and only a length and the
 * beginning of each answer is looked at: it must not be the one that is measured. Prints one line of JSON.
 */
import { readFileSync } from "node:fs";
import { connect } from "node:net";

const options = JSON.parse(process.argv[2] ?? "{}");
const { port, path, headers, bodies, from, connections, seconds, rate, expect, status = 200 } = options;
const head = [`POST ${path} HTTP/1.1`, `host: 127.0.0.1:${port}`];
for (const [name, value] of Object.entries({ "content-type": "application/json", ...headers }))
  head.push(`${name}: ${value}`);
const requests = readFileSync(bodies, "utf8")
  .trimEnd()
  .split("\n")
  .map((body) =>
    Buffer.from(`${head.join("\r\n")}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`),
  );

const MOST = 262_144;
/** The end of an answer in chunks, as long ones are (RFC 9112, section 7.1): JSON without white space holds no line break. */
const LAST_CHUNK = "\r\n0\r\n\r\n";
const STATUS = `HTTP/1.1 ${status}`;
/** Requests that are due wait here, oldest first, where all connections are busy. */
const due = [];
let dueFrom = 0;
let next = from;
let wrong = 0;
let firstWrong = "";
const latencies = [];
const idle = [];
let measuring = false;
let answered = 0;

function open() {
  let sentAt = 0;
  let received = "";
  const callback = (length, buffer) => {
    received += buffer.latin1Slice(0, length);
    const end = received.indexOf("\r\n\r\n");
    if (end < 0) return true;
    const field = /\r\ncontent-length: *(\d+)/i.exec(received);
    const isChunked = field === null || field.index > end;
    if (isChunked ? !received.endsWith(LAST_CHUNK) : received.length < end + 4 + Number(field[1]))
      return true;
    const now = performance.now();
    answered++;
    if (measuring) {
      latencies.push(now - sentAt);
      // The length of the first chunk stands in a line of its own.
      const body = isChunked ? received.indexOf("\r\n", end + 4) + 2 : end + 4;
      if (!received.startsWith(STATUS) || !received.startsWith(expect, body)) {
        wrong++;
        if (firstWrong === "") firstWrong = received.slice(0, 15) + received.slice(body, body + 200);
      }
    }
    received = "";
    if (rate === undefined) ask(now);
    else if (dueFrom < due.length) ask(due[dueFrom++]);
    else idle.push(ask);
    return true;
  };
  const socket = connect({
    port,
    host: "127.0.0.1",
    noDelay: true,
    onread: { buffer: Buffer.allocUnsafe(MOST), callback },
  });
  const ask = (at) => {
    sentAt = at;
    socket.write(requests[next++ % requests.length]);
  };
  socket.on("error", (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  });
  socket.on("close", () => {
    process.stderr.write("the server closed a connection\n");
    process.exit(1);
  });
  socket.on("connect", () => (rate === undefined ? ask(performance.now()) : idle.push(ask)));
}
for (let index = 0; index < connections; index++) open();

if (rate !== undefined) {
  const startedAt = performance.now();
  let sent = 0;
  // Once a turn instead of by a timer, whose millisecond would be most of what is measured: the core is ours.
  const turn = () => {
    const wanted = ((performance.now() - startedAt) / 1000) * rate;
    for (; sent < wanted; sent++) {
      const at = startedAt + (sent / rate) * 1000;
      const ask = idle.pop();
      if (ask === undefined) due.push(at);
      else ask(at);
    }
    setImmediate(turn);
  };
  turn();
}
setTimeout(() => {
  measuring = true;
  const startedAt = performance.now();
  const before = process.cpuUsage();
  setTimeout(() => {
    const elapsed = (performance.now() - startedAt) / 1000;
    const { user, system } = process.cpuUsage(before);
    latencies.sort((a, b) => a - b);
    const at = (part) => latencies[Math.floor(latencies.length * part)] ?? 0;
    const result = {
      perSecond: latencies.length / elapsed,
      p50: at(0.5),
      p99: at(0.99),
      busy: (user + system) / 1e6 / elapsed,
      wrong,
      firstWrong,
      answered,
      next,
    };
    process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
  }, seconds * 1000);
}, seconds * 250);
