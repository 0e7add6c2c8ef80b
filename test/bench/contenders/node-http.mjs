/* Below hono: `node:http` alone parses the same body and answers so many bytes. */
import { createServer } from "node:http";

const length = Number(process.argv[3] ?? 0);
const answer = JSON.stringify({ allowed: true, filler: "x".repeat(Math.max(0, length - 28)) });
createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    JSON.parse(Buffer.concat(chunks).toString());
    response.writeHead(200, { "content-type": "application/json", "content-length": answer.length });
    response.end(answer);
  });
}).listen(Number(process.argv[2]), "127.0.0.1", () => process.stderr.write("ready at\n"));
