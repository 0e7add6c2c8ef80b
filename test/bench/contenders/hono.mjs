/* The HTTP floor: hono parses the same body and answers as many bytes. With a number of workers, in so many processes. */
import cluster from "node:cluster";

import { sayReady, serveHono } from "./hono-app.mjs";

const [, , port, length, workers] = process.argv;
if (workers !== undefined && cluster.isPrimary) {
  let waiting = Number(workers);
  cluster.on("listening", () => {
    waiting -= 1;
    if (waiting === 0) sayReady();
  });
  for (let count = 0; count < Number(workers); count++) cluster.fork();
} else {
  serveHono(port, Number(length), undefined, workers === undefined ? sayReady : undefined);
}
