import type { Resource, ResourceRequest } from "../../client/index.ts";
import { type Command, type Invocation, PAGE_OPTIONS, SERVICE_OPTIONS } from "../command.ts";
import { EXIT, UsageError } from "../exit.ts";
import { onlyWords, pageRequest, readJsonFile } from "../input.ts";
import { printFacts, printPage } from "../page.ts";
import { connect } from "../service.ts";
import { moment } from "../show.ts";
import { printJson, type Terminal } from "../terminal.ts";

const COLUMNS = ["RESOURCE ID", "RESOURCE", "NAME", "SCOPES", "TOKENS"];

export const resourcesCommand: Command = {
  name: "resources",
  usage: "PLATFORM [add FILE | change ID FILE | remove ID | hosts [HOST…]]",
  summary: "list a platform's resources, or add, change or remove one",
  details: [
    "FILE is a resource as JSON, - for standard input: resource (its URI) and name; scopes, caveats, max_ttl, accept_unbound.",
    "change replaces all that is said of it; its URI stays.",
    "hosts: says under which hosts the platform may register, such as mcp.example.com or '*.acme.example'; for administrators.",
  ],
  options: { ...SERVICE_OPTIONS, ...PAGE_OPTIONS },
  async run(invocation) {
    const { terminal, positionals } = invocation;
    const [platform, word, ...rest] = positionals;
    if (platform === undefined) throw new UsageError("say which platform: resources PLATFORM");
    const client = await connect(invocation);
    const options = { signal: terminal.signal };
    const { resources } = client;
    switch (word) {
      case undefined: {
        const page = await resources.list(platform, pageRequest(invocation), options);
        return printPage(invocation, page, COLUMNS, (one) => [
          one.id,
          one.resource,
          one.name,
          one.scopes.map(({ scope }) => scope).join(" "),
          one.accept_unbound ? "unbound too" : "its own",
        ]);
      }
      case "add": {
        onlyWords(invocation, 3);
        const added = await resourceOf(terminal, rest[0]);
        return printResource(invocation, await resources.register(platform, added, options));
      }
      case "change": {
        onlyWords(invocation, 4);
        const [id, file] = rest;
        if (id === undefined) throw new UsageError("say which resource: resources PLATFORM change ID FILE");
        const changed = await resourceOf(terminal, file);
        return printResource(invocation, await resources.put(platform, id, changed, options));
      }
      case "remove": {
        onlyWords(invocation, 3);
        const [id] = rest;
        if (id === undefined) throw new UsageError("say which resource: resources PLATFORM remove ID");
        await resources.remove(platform, id, options);
        terminal.say(`bakehouse: nobody asks as the resource ${id} from now on`);
        return EXIT.done;
      }
      case "hosts": {
        printJson(terminal, await resources.setHosts(platform, rest, options));
        return EXIT.done;
      }
      default:
        throw new UsageError("say resources PLATFORM, or add, change, remove or hosts behind it");
    }
  },
};

function printResource(invocation: Invocation, one: Resource): number {
  return printFacts(invocation, one, [
    ["resource id", one.id],
    ["resource", one.resource],
    ["platform", one.platform],
    ["name", one.name],
    ...one.scopes.map(({ scope, description }) => ["scope", `${scope}: ${description}`] as const),
    ...one.caveats.map((caveat) => ["caveat", caveat] as const),
    ...(one.max_ttl === undefined ? [] : [["longest life", `${one.max_ttl} s`] as const]),
    [
      "takes",
      one.accept_unbound ? "tokens that were issued for no resource, too" : "tokens that were issued for it",
    ],
    ["registered", moment(one.created_at)],
  ]);
}

/** The service judges the file's contents: it names the member at fault. */
async function resourceOf(terminal: Terminal, file: string | undefined): Promise<ResourceRequest> {
  if (file === undefined) throw new UsageError("say which file holds the resource, - for standard input");
  const read = await readJsonFile(terminal, file, "the resource");
  if (!isResource(read))
    throw new UsageError('the resource must be a JSON object with "resource" and "name"');
  return read;
}

function isResource(value: unknown): value is ResourceRequest {
  return (
    typeof value === "object" &&
    value !== null &&
    "resource" in value &&
    typeof value.resource === "string" &&
    "name" in value &&
    typeof value.name === "string"
  );
}
