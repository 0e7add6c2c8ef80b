import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A span as a collector is sent it (OTLP's JSON), with its attributes by name. */
export interface Collected {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  /** 1 is internal, 2 a server's, 3 a client's. */
  readonly kind: number;
  readonly failed: boolean;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Of the service. */
  readonly resource: Readonly<Record<string, unknown>>;
}

/** A small collector that takes OTLP over HTTP. */
export interface Collector {
  readonly url: string;
  readonly spans: readonly Collected[];
  /** Path and headers of each request. */
  readonly requests: readonly { readonly path: string; readonly type: string; readonly key: string }[];
  /** All bodies as they came. */
  text(): string;
  /** The status of answers from now on; none for an answer that never comes. */
  answer(status: number | undefined): void;
  close(): Promise<void>;
}

interface Value {
  readonly stringValue?: string;
  readonly intValue?: number | string;
  readonly boolValue?: boolean;
  readonly arrayValue?: { readonly values: readonly Value[] };
}

interface Attributed {
  readonly attributes?: readonly { readonly key: string; readonly value: Value }[];
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: Attributed;
    readonly scopeSpans: readonly {
      readonly spans: readonly (Attributed &
        Pick<Collected, "traceId" | "spanId" | "parentSpanId" | "name" | "kind"> & {
          readonly status?: { readonly code?: number };
        })[];
    }[];
  }[];
}

function plain({ stringValue, intValue, boolValue, arrayValue }: Value): unknown {
  return (
    stringValue ?? boolValue ?? (intValue === undefined ? arrayValue?.values.map(plain) : Number(intValue))
  );
}

const byName = ({ attributes = [] }: Attributed) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]));

export async function startCollector(): Promise<Collector> {
  const spans: Collected[] = [];
  const requests: { path: string; type: string; key: string }[] = [];
  const bodies: Buffer[] = [];
  const unanswered: ServerResponse[] = [];
  let status: number | undefined = 200;
  const server = createServer(async (request, response) => {
    const type = request.headers["content-type"] ?? "";
    requests.push({ path: request.url ?? "", type, key: String(request.headers["x-key"] ?? "") });
    const pieces: Uint8Array[] = [];
    for await (const piece of request) pieces.push(piece);
    const body = Buffer.concat(pieces);
    bodies.push(body);
    if (type === "application/json" && status === 200) {
      const sent = JSON.parse(body.toString()) as Export;
      for (const { resource, scopeSpans } of sent.resourceSpans) {
        for (const one of scopeSpans.flatMap((scope) => scope.spans)) {
          const { traceId, spanId, parentSpanId, name, kind, status: ended } = one;
          const failed = ended?.code === 2;
          const facts = { attributes: byName(one), resource: byName(resource) };
          spans.push({
            traceId,
            spanId,
            parentSpanId: parentSpanId || undefined,
            name,
            kind,
            failed,
            ...facts,
          });
        }
      }
    }
    if (status === undefined) unanswered.push(response);
    else response.writeHead(status, { "content-type": "application/json" }).end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    requests,
    text: () => Buffer.concat(bodies).toString("latin1"),
    answer(next) {
      status = next;
    },
    async close() {
      // A refusal, so that nobody tries again.
      for (const response of unanswered) response.writeHead(400).end();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
