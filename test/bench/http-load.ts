import { connect } from "node:net";

/** Posts one body over and over on some connections, each waiting for its answer. @returns answers a second */
export async function httpRate(
  url: string,
  request: { readonly path: string; readonly token: string; readonly body: string; readonly status: number },
  { connections, milliseconds }: { readonly connections: number; readonly milliseconds: number },
): Promise<number> {
  const { hostname, port, host } = new URL(url);
  const bytes = Buffer.from(
    `POST ${request.path} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${request.token}\r\n` +
      `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(request.body)}\r\n\r\n${request.body}`,
  );
  const begun = performance.now();
  let answers = 0;
  // No client library: what it costs would be taken from the server on the same machine.
  const worker = () =>
    new Promise<void>((resolve, reject) => {
      const socket = connect(Number(port), hostname);
      let text = "";
      socket.setNoDelay(true).setEncoding("latin1");
      socket.on("connect", () => socket.write(bytes));
      socket.on("error", reject);
      socket.on("data", (chunk: string) => {
        text += chunk;
        const head = text.indexOf("\r\n\r\n");
        if (head < 0) return;
        const length = Number(/content-length: (\d+)/i.exec(text.slice(0, head))?.[1] ?? Number.NaN);
        if (text.length < head + 4 + length) return;
        if (!text.startsWith(`HTTP/1.1 ${request.status} `)) {
          socket.destroy();
          return reject(new Error(`answered ${text.slice(0, 400)}`));
        }
        answers += 1;
        text = "";
        if (performance.now() - begun < milliseconds) return socket.write(bytes);
        socket.end();
        resolve();
      });
    });
  await Promise.all(Array.from({ length: connections }, worker));
  return (answers * 1_000) / (performance.now() - begun);
}
