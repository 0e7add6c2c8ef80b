import { type Command, URL_OPTIONS } from "../command.ts";
import { CommandError, EXIT } from "../exit.ts";
import { onlyWords } from "../input.ts";
import { confirmService, forgetService, rememberService } from "../known-services.ts";
import { forgetLogin, saveLogin } from "../login-file.ts";
import { connectAnonymously, serviceUrl } from "../service.ts";
import { moment } from "../show.ts";
import { printJson } from "../terminal.ts";
import { visible } from "../visible.ts";

export const loginCommand: Command = {
  name: "login",
  usage: "",
  summary: "log in as a person",
  details: [
    "In a browser on this machine; with --device, or where there is none, with a code on another device.",
    "The ID token is kept in a file that only you can read, and only ever sent to this service.",
    "The first login at a service asks whether service and identity provider are the right ones, and a second service that names the same identity provider and client is refused: it could use your login at the first.",
  ],
  options: {
    ...URL_OPTIONS,
    device: { type: "boolean", help: "with a code, on any device" },
    yes: { type: "boolean", short: "y", help: "the first login at this service: it is the right one" },
    "no-browser": { type: "boolean", help: "print the page's address instead of opening it" },
  },
  async run(invocation) {
    const { terminal, json, flag } = invocation;
    onlyWords(invocation, 0);
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
