import type { Approval, Bakehouse } from "../../client/index.ts";
import { APPROVALS_PATH } from "../../words/http.ts";
import { UUID } from "../../words/ids.ts";
import { type Command, type Invocation, PAGE_OPTIONS, SERVICE_OPTIONS } from "../command.ts";
import { CommandError, EXIT, UsageError } from "../exit.ts";
import { onlyWords, pageRequest } from "../input.ts";
import { printFacts, printPage } from "../page.ts";
import { connect } from "../service.ts";
import { durationText, moment, principalText, shortPrincipal } from "../show.ts";

/** Approvals of one page, and pages that are looked through for one: it is among the newest, or over. */
const PAGE = 100;
const MOST_PAGES = 20;

const COLUMNS = ["APPROVAL ID", "STATE", "ASKED", "FOR", "SAYS, UNVERIFIED"];

export const approvalsCommand: Command = {
  name: "approvals",
  usage: "[ID]",
  summary: "list what you are asked to approve, or show one",
  details: [
    "Approving takes a browser, where you have just logged in: neither an ID token nor a macaroon can do it.",
    "One is shown with its page's address; --open opens it. `revoke --approval-id ID` withdraws what was approved.",
  ],
  options: {
    ...SERVICE_OPTIONS,
    ...PAGE_OPTIONS,
    pending: { type: "boolean", help: "only what still waits" },
    open: { type: "boolean", help: "open the page where it is decided" },
  },
  async run(invocation) {
    onlyWords(invocation, 1);
    const { terminal, flag } = invocation;
    const [id] = invocation.positionals;
    if (id !== undefined && !UUID.test(id))
      throw new UsageError("that is no approval's id: bakehouse approvals lists them");
    const client = await connect(invocation);
    if (id === undefined) {
      const request = { ...pageRequest(invocation), ...(flag("pending") && { state: "pending" as const }) };
      const page = await client.approvals.list(request, { signal: terminal.signal });
      if (flag("open")) await open(invocation, `${client.origin}${APPROVALS_PATH}`);
      return printPage(invocation, page, COLUMNS, (approval) => [
        approval.id,
        approval.state,
        moment(approval.asked_at),
        askerOf(approval),
        approval.unverified.text,
      ]);
    }
    const approval = await find(client, id, terminal.signal);
    const page = `${client.origin}${APPROVALS_PATH}/${id}`;
    if (flag("open")) await open(invocation, page);
    return printFacts(invocation, { ...approval, page }, factsOf(approval, page));
  },
};

async function open({ terminal }: Invocation, page: string): Promise<void> {
  if (!(await terminal.openBrowser(page))) terminal.say(`bakehouse: there is no browser here: open ${page}`);
}

async function find(client: Bakehouse, id: string, signal: AbortSignal): Promise<Approval> {
  let cursor: string | null = null;
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    const request: { limit: number; cursor?: string } = { limit: PAGE, ...(cursor !== null && { cursor }) };
    const { items, next_cursor } = await client.approvals.list(request, { signal });
    const found = items.find((approval) => approval.id === id);
    if (found !== undefined) return found;
    cursor = next_cursor;
    if (cursor === null) break;
  }
  throw new CommandError(EXIT.failed, "you are not asked to approve that, or it is long over");
}

function askerOf({ token }: Approval): string {
  return token === undefined ? "not known" : shortPrincipal(token.principal);
}

function factsOf(approval: Approval, page: string): readonly (readonly [string, string])[] {
  const { token, unverified, decisions, decided_at, obstacle } = approval;
  const { others = 0 } = approval;
  const askers = [
    ...approval.subjects,
    ...(others === 0 ? [] : [others === 1 ? "1 other person" : `${others} other people`]),
    ...approval.groups.map((group) => `group ${group}`),
  ].join(", ");
  return [
    ["approval id", approval.id],
    ["state", approval.state],
    ["code", approval.user_code],
    ["asked", moment(approval.asked_at)],
    ["open until", moment(approval.expires_at)],
    ...(decided_at === undefined ? [] : [["decided", moment(decided_at)] as const]),
    ...(approval.withdrawn_at === undefined ? [] : [["withdrawn", moment(approval.withdrawn_at)] as const]),
    ...(approval.ends_at === undefined ? [] : [["good until", moment(approval.ends_at)] as const]),
    ...(approval.allows === undefined ? [] : [["a yes", approval.allows] as const]),
    ["needs", `${approval.needed} of ${askers}`],
    ["for", durationText(approval.discharge_life)],
    ...(token === undefined
      ? [["token", "nothing is known about who asks"] as const]
      : ([
          ["principal", principalText(token.principal)],
          ["platform", token.platform],
          ["allows", token.summary],
          ["revocation id", token.revocation_id],
        ] as const)),
    ["says, unverified", unverified.text],
    ...(unverified.agents.length === 0
      ? []
      : [["agents, unverified", unverified.agents.join(" > ")] as const]),
    ...(unverified.caveats === undefined || unverified.caveats.length === 0
      ? []
      : [["holders added, unverified", unverified.caveats.join("; ")] as const]),
    ...decisions.map(
      ({ subject, decision, at, reason }) =>
        [
          decision === "approve" ? "approved by" : "denied by",
          `${subject}, ${moment(at)}${reason === undefined ? "" : `: ${reason}`}`,
        ] as const,
    ),
    ...(obstacle === undefined || approval.state !== "pending" ? [] : [["in the way", obstacle] as const]),
    ["page", page],
  ];
}
