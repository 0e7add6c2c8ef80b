/* Below hono: `node:http` alone parses the same body and answers as many bytes. */
import { createServer } from "node:http";

import { answerOf, sayReady } from "./hono-app.mjs";

const [, , port, length] = process.argv;
const answer = answerOf(Number(length));
createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    JSON.parse(Buffer.concat(chunks).toString());
    response.writeHead(200, { "content-type": "application/json", "content-length": answer.length });
    response.end(answer);
  });
}).listen(Number(port), "127.0.0.1", sayReady);
