/*
 * Loaded into a service (`--import`): notes for how long it lets nobody else have a turn, in processor time, so that
 * a busy machine adds nothing. Whoever connects to the socket HOLD_PROBE gets one line of JSON, and it begins anew.
 */
import { createServer } from "node:net";
import { PerformanceObserver } from "node:perf_hooks";

const path = process.env.HOLD_PROBE;
if (path !== undefined) {
  let holds = [];
  let pauses = [];
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) pauses.push({ startTime, duration });
  }).observe({ entryTypes: ["gc"] });

  const spent = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1_000;
  };
  let before = spent();
  let begun = performance.now();
  setInterval(() => {
    const now = spent();
    const at = performance.now();
    if (now - before > 2) holds.push({ from: begun, to: at, processor: now - before });
    before = now;
    begun = at;
  }, 1).unref();

  const report = () => {
    const without = holds.map(({ from, to, processor }) => {
      const collector = pauses
        .filter(({ startTime }) => startTime >= from && startTime < to)
        .reduce((sum, { duration }) => sum + duration, 0);
      return { hold: Math.max(0, processor - collector), collector };
    });
    without.sort((a, b) => b.hold - a.hold);
    const longest = without[0] ?? { hold: 0, collector: 0 };
    const line = { ...longest, over: without.filter(({ hold }) => hold > 10).length };
    holds = [];
    pauses = [];
    return `${JSON.stringify(line)}\n`;
  };
  createServer((socket) => {
    socket.on("error", () => {});
    // The collector's pauses are told a turn later.
    setTimeout(() => socket.end(report()), 20);
  })
    .listen(path)
    .unref();
}
