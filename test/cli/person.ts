import { createBrowser } from "../support/browser.ts";

/** What somebody answers on the page of a discharge. */
export type Answer = "approve" | "deny" | "confirm";

/**
 * Somebody with a browser, who does what a command asks for on standard error: logs in, at the pages or with a
 * code, and answers on the page of a discharge.
 *
 * @returns what is told of everything that the command has said so far
 */
export function person(subject: string, answer: Answer = "approve"): (stderr: string) => void {
  let came = false;
  return (stderr) => {
    const login = /http:\S+\/(?:auth\?|authorize\?|device)\S*(?= |\n)/.exec(stderr)?.[0];
    const page = /http:\S+\/(?:approvals|discharges)\/\S+(?=\n)/.exec(stderr)?.[0];
    const code = /enter (\S+)/.exec(stderr)?.[1];
    const done = () => {
      if (page !== undefined) return decide(page, subject, answer);
      if (login !== undefined) return logIn(login, subject, code);
      return undefined;
    };
    if (came || (login ?? page) === undefined) return;
    came = true;
    // A failure shows as a command that waits in vain.
    done()?.catch((error: unknown) => void process.stderr.write(`${String(error)}\n`));
  };
}

/**
 * Fills in whatever is asked for: with a device's code that, then to confirm, then a name, then a yes. Last the browser is led back to
 * a program, if a page says so.
 */
async function logIn(page: string, subject: string, code: string | undefined): Promise<void> {
  const browser = createBrowser();
  let shown = await browser.get(page);
  for (let asked = 0; asked < 6 && shown.forms.length > 0; asked++) {
    const form = shown.form();
    const fields: Record<string, string> = {};
    if ("name" in form.fields) fields["name"] = subject;
    else if (code !== undefined && form.fields["user_code"] === "") fields["user_code"] = code;
    else if (form.buttons.includes("decision")) fields["decision"] = "allow";
    shown = await browser.submit(form, fields);
  }
  const back = /http-equiv="refresh" content="0;url=([^"]*)"/.exec(shown.text)?.[1];
  if (back !== undefined) await browser.get(back.replaceAll("&amp;", "&"));
}

async function decide(page: string, subject: string, decision: Answer): Promise<void> {
  const browser = createBrowser();
  const login = await browser.get(page);
  const shown = await browser.submit(login.form(), { name: subject });
  const form = shown.forms.find(({ buttons }) => buttons.includes("decision"));
  if (form === undefined) throw new Error(`there is nothing to decide at ${shown.url.pathname}`);
  await browser.submit(form, decision === "deny" ? { decision, reason: "not today" } : { decision });
}
