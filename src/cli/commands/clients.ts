import type { OAuthClientRequest } from "../../client/index.ts";
import { type Command, PAGE_OPTIONS, SERVICE_OPTIONS } from "../command.ts";
import { EXIT, UsageError } from "../exit.ts";
import { onlyWords, pageRequest, readJsonFile } from "../input.ts";
import { printFacts, printPage } from "../page.ts";
import { connect } from "../service.ts";
import { moment } from "../show.ts";
import type { Terminal } from "../terminal.ts";

const CLIENT_COLUMNS = ["CLIENT ID", "NAME", "PROVES ITSELF BY", "REDIRECTS"];

export const clientsCommand: Command = {
  name: "clients",
  usage: "[add FILE | remove ID]",
  summary: "list the OAuth clients that are registered, or add or remove one",
  details: [
    "For administrators. FILE is a client as JSON, - for standard input: client_name, redirect_uris, token_endpoint_auth_method",
    "(none, client_secret_basic, client_secret_post, private_key_jwt); jwks for the last. Its secret is shown once.",
    "remove ends all that the client holds.",
  ],
  options: { ...SERVICE_OPTIONS, ...PAGE_OPTIONS },
  async run(invocation) {
    const { terminal, positionals } = invocation;
    const [word, value] = positionals;
    const { clients } = await connect(invocation);
    const options = { signal: terminal.signal };
    switch (word) {
      case undefined: {
        const page = await clients.list(pageRequest(invocation), options);
        return printPage(invocation, page, CLIENT_COLUMNS, (one) => [
          one.client_id,
          one.client_name,
          one.token_endpoint_auth_method,
          one.redirect_uris.join(" "),
        ]);
      }
      case "add": {
        onlyWords(invocation, 2);
        const made = await clients.register(await clientOf(terminal, value), options);
        return printFacts(invocation, made, [
          ["client id", made.client_id],
          ...(made.client_secret === undefined ? [] : [["secret", made.client_secret] as const]),
          ["name", made.client_name],
          ["proves itself by", made.token_endpoint_auth_method],
          ...made.redirect_uris.map((uri) => ["redirect", uri] as const),
          ["registered", moment(made.created_at)],
        ]);
      }
      case "remove": {
        onlyWords(invocation, 2);
        if (value === undefined) throw new UsageError("say which client: clients remove ID");
        await clients.remove(value, options);
        terminal.say(`bakehouse: the client ${value} is gone, and all that it held is over`);
        return EXIT.done;
      }
      default:
        throw new UsageError("say clients, or add or remove behind it");
    }
  },
};

const CONSENT_COLUMNS = ["CONSENT ID", "SUBJECT", "CLIENT", "SENT TO", "RESOURCE", "SCOPES", "UNTIL"];

export const consentsCommand: Command = {
  name: "consents",
  usage: "[remove ID]",
  summary: "list what people let OAuth clients do, or forget one of it",
  details: [
    "Of a person their own, of an administrator everybody's.",
    "remove: the person is asked anew, and the client's refresh tokens end. Access tokens live to their end, unless they are revoked.",
  ],
  options: { ...SERVICE_OPTIONS, ...PAGE_OPTIONS },
  async run(invocation) {
    const { terminal, positionals } = invocation;
    const [word, id] = positionals;
    const { consents } = await connect(invocation);
    const options = { signal: terminal.signal };
    switch (word) {
      case undefined: {
        const page = await consents.list(pageRequest(invocation), options);
        return printPage(invocation, page, CONSENT_COLUMNS, (one) => [
          one.id,
          one.subject,
          one.client_name,
          one.redirect_host,
          one.resource,
          one.scopes.join(" "),
          moment(one.expires_at),
        ]);
      }
      case "remove": {
        onlyWords(invocation, 2);
        if (id === undefined) throw new UsageError("say which consent: consents remove ID");
        await consents.remove(id, options);
        terminal.say(`bakehouse: the consent ${id} is forgotten`);
        return EXIT.done;
      }
      default:
        throw new UsageError("say consents, or remove behind it");
    }
  },
};

/** The service judges the file's contents: it names the member at fault. */
async function clientOf(terminal: Terminal, file: string | undefined): Promise<OAuthClientRequest> {
  if (file === undefined) throw new UsageError("say which file holds the client, - for standard input");
  const read = await readJsonFile(terminal, file, "the client");
  if (!isClient(read))
    throw new UsageError('the client must be a JSON object with "client_name" and "redirect_uris"');
  return read;
}

function isClient(value: unknown): value is OAuthClientRequest {
  return (
    typeof value === "object" &&
    value !== null &&
    "client_name" in value &&
    "redirect_uris" in value &&
    Array.isArray(value.redirect_uris)
  );
}
