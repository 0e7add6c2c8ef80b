import { Token, TokenError } from "../../client/index.ts";
import { type Command, type Invocation, URL_OPTIONS } from "../command.ts";
import { CommandError, EXIT, UsageError } from "../exit.ts";
import { onlyWords } from "../input.ts";
import { confirmService, forgetService, rememberService } from "../known-services.ts";
import { forgetLogin, saveLogin } from "../login-file.ts";
import { leaveToken, OUTPUT_OPTION, settleOutput } from "../output.ts";
import { connectAnonymously, serviceUrl } from "../service.ts";
import { moment } from "../show.ts";
import { printJson } from "../terminal.ts";
import { visible } from "../visible.ts";

export const loginCommand: Command = {
  name: "login",
  usage: "",
  summary: "log in as a person; with --client, get a token for a resource",
  details: [
    "In a browser on this machine; with --device, or where there is none, with a code on another device.",
    "The ID token is kept in a file that only you can read, and only ever sent to this service.",
    "The first login at a service asks whether service and identity provider are the right ones, and a second service that names the same identity provider and client is refused: it could use your login at the first.",
    "With --client it is a login at the service's own authorization server: you let that client have a token for the resource, and the token is printed, or kept where -o says. Nothing else is kept, and you are no more logged in than before. ID is of a client that was registered with the redirect URI http://127.0.0.1/callback and proves itself by none, or the address of a client's own document.",
  ],
  options: {
    ...URL_OPTIONS,
    device: { type: "boolean", help: "with a code, on any device" },
    yes: { type: "boolean", short: "y", help: "the first login at this service: it is the right one" },
    "no-browser": { type: "boolean", help: "print the page's address instead of opening it" },
    client: { type: "string", value: "ID", help: "the OAuth client that you let have a token" },
    resource: { type: "string", value: "URI", help: "with --client: the API that the token is for" },
    scope: {
      type: "string",
      multiple: true,
      value: "SCOPE",
      help: "with --client: what it may do there; all that the resource has unless said",
    },
    ...OUTPUT_OPTION,
  },
  async run(invocation) {
    const { terminal, json, flag } = invocation;
    onlyWords(invocation, 0);
    const client = invocation.text("client");
    if (client !== undefined) return getToken(invocation, client);
    for (const option of ["resource", "scope", "output"] as const) {
      if (invocation.texts(option).length > 0) throw new UsageError(`--${option} goes with --client ID`);
    }
    if (flag("force")) throw new UsageError("--force goes with --output FILE");
    const url = await serviceUrl(invocation);
    const { bakehouse_login: offered } = await (await connectAnonymously(invocation)).discover({
      signal: terminal.signal,
    });
    if (offered === undefined) {
      throw new CommandError(
        EXIT.failed,
        `${url} has no login for the command line: its administrator sets OIDC_CLI_CLIENT_ID`,
      );
    }
    const service = { url, issuer: offered.issuer, client_id: offered.client_id };
    await confirmService(terminal, service, flag("yes"));
    // Loaded only here: no other command needs an OpenID client, and it takes a while.
    const { logIn } = await import("../login-flow.ts");
    const place = {
      issuer: offered.issuer,
      clientId: offered.client_id,
      openBrowser: !flag("no-browser"),
    };
    const logged = await logIn(terminal, place, flag("device"));
    await rememberService(terminal, service);
    const file = await saveLogin(terminal, {
      url,
      id_token: logged.idToken,
      expires_at: logged.expiresAt.toISOString(),
      name: logged.name,
    });
    const facts = { url, name: logged.name, expires_at: logged.expiresAt.toISOString(), file };
    if (json) printJson(terminal, facts);
    terminal.say(`bakehouse: logged in as ${logged.name} until ${moment(logged.expiresAt)}`);
    return EXIT.done;
  },
};

/** The code flow of the service itself, or its flow for devices. */
async function getToken(invocation: Invocation, clientId: string): Promise<number> {
  const { terminal, text, texts, flag } = invocation;
  await settleOutput(invocation);
  const url = await serviceUrl(invocation);
  const { issuer } = await (await connectAnonymously(invocation)).discover({ signal: terminal.signal });
  // What another place vouches for is that place's: the person named this one (RFC 8414 §3.3).
  if (issuer !== url) {
    throw new CommandError(
      EXIT.failed,
      `${url} calls itself ${visible(issuer)}: if that is the service that you mean, say --url ${visible(issuer)}`,
    );
  }
  const resource = text("resource");
  const scope = texts("scope").join(" ");
  const wanted = { ...(resource !== undefined && { resource }), ...(scope !== "" && { scope }) };
  const { logInForToken } = await import("../login-flow.ts");
  const place = { issuer, clientId, openBrowser: !flag("no-browser") };
  const granted = await logInForToken(terminal, place, wanted, flag("device"));
  const token = readToken(granted.token);
  const { identifier, expiresAt } = token.inspect();
  const facts = {
    token: token.encode(),
    token_id: identifier?.tokenId,
    scope: granted.scope ?? scope,
    expires_at: expiresAt?.toISOString(),
  };
  await leaveToken(invocation, facts);
  const scopes = facts.scope === "" ? "" : ` for ${visible(facts.scope)}`;
  const until = facts.expires_at === undefined ? "" : `, expires ${moment(facts.expires_at)}`;
  terminal.say(`bakehouse: the client has a token${scopes}: token id ${facts.token_id}${until}`);
  return EXIT.done;
}

function readToken(text: string): Token {
  try {
    return Token.parse(text);
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    throw new CommandError(EXIT.failed, "the service gave no token that can be read");
  }
}

export const logoutCommand: Command = {
  name: "logout",
  usage: "",
  summary: "forget the login",
  options: {
    forget: { type: "string", value: "URL", help: "forget this service too, as after it has moved" },
  },
  async run(invocation) {
    const { terminal, json } = invocation;
    onlyWords(invocation, 0);
    const forgotten = invocation.text("forget");
    if (forgotten !== undefined && !(await forgetService(terminal, forgotten))) {
      throw new CommandError(EXIT.failed, `you have never logged in at ${visible(forgotten)}`);
    }
    const was = await forgetLogin(terminal);
    if (json) printJson(terminal, { logged_out: was });
    terminal.say(was ? "bakehouse: logged out" : "bakehouse: you were not logged in");
    return EXIT.done;
  },
};
