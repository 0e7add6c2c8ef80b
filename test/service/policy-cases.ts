/** Claims, rules, and the rule that is wanted: each is held against the service and against a dry run. */

export const PEOPLE = "https://login.test";
const PARTNER = "https://partner.test";
const JOBS = "https://ci.test";

interface Rule {
  readonly issuer?: string;
  readonly groups?: readonly string[];
  readonly subjects?: readonly string[];
  readonly claims?: Readonly<Record<string, string | readonly string[]>>;
  readonly session?: number;
  readonly on_behalf_of?: boolean;
}

export interface Who {
  readonly issuer?: string;
  readonly kind?: "person" | "workload" | "id-jag";
  readonly subject: string;
  readonly groups?: readonly string[];
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly on_behalf_of?: boolean;
}

export interface PolicyCase {
  readonly name: string;
  readonly rules: readonly Rule[];
  readonly who: Who;
  /** The place of the rule that decides; undefined if nothing is to be issued. */
  readonly wants: number | undefined;
}

const alice: Who = { subject: "alice" };
const night: Who = { subject: "alice", groups: ["night", "staff"] };
const partner: Who = { issuer: PARTNER, subject: "alice" };
const word: Who = { subject: "alice", on_behalf_of: true };
const job: Who = {
  issuer: JOBS,
  kind: "workload",
  subject: "repo:acme/web:ref:refs/heads/main",
  claims: { repository: "acme/web", ref: "refs/heads/main", actor: "octocat", run_id: "7" },
};
const jag: Who = {
  kind: "id-jag",
  subject: "alice",
  groups: ["staff"],
  claims: { client_id: "c1", scope: "a b" },
};
const claimed = (claims: Readonly<Record<string, unknown>>): Who => ({ ...job, claims });

const web: Rule = { issuer: JOBS, claims: { repository: "acme/web" } };
const main: Rule = { issuer: JOBS, claims: { repository: "acme/web", ref: "refs/heads/main" } };
const NO = undefined;

type Row = readonly [string, readonly Rule[], Who, number | undefined];

const ROWS: readonly Row[] = [
  ["no rule", [], alice, NO],
  ["a rule for all of the own issuer", [{}], alice, 0],
  ["the own issuer by its name", [{ issuer: PEOPLE }], alice, 0],
  ["another issuer's rule", [{ issuer: PARTNER }], alice, NO],
  ["another issuer's person under a rule for the own", [{}], partner, NO],
  ["another issuer's person under its rule", [{ issuer: PARTNER }], partner, 0],
  ["an issuer with a slash more", [{ issuer: `${PEOPLE}/` }], alice, NO],
  ["an issuer in other letters", [{ issuer: PEOPLE.toUpperCase() }], alice, NO],
  ["a subject", [{ subjects: ["alice"] }], alice, 0],
  ["one of several subjects", [{ subjects: ["bob", "alice"] }], alice, 0],
  ["another subject", [{ subjects: ["bob"] }], alice, NO],
  ["a subject in other letters", [{ subjects: ["Alice"] }], alice, NO],
  ["a subject that begins alike", [{ subjects: ["alic"] }], alice, NO],
  ["a subject with a star", [{ subjects: ["*"] }], alice, NO],
  ["a group", [{ groups: ["night"] }], night, 0],
  ["one of several groups", [{ groups: ["day", "staff"] }], night, 0],
  ["another group", [{ groups: ["day"] }], night, NO],
  ["a group, of somebody in none", [{ groups: ["night"] }], alice, NO],
  ["a group that is the subject", [{ groups: ["alice"] }], alice, NO],
  ["a subject that is the group", [{ subjects: ["night"] }], night, NO],
  ["group and subject", [{ groups: ["night"], subjects: ["alice"] }], night, 0],
  ["the group, and another subject", [{ groups: ["night"], subjects: ["bob"] }], night, NO],
  ["the subject, and another group", [{ groups: ["day"], subjects: ["alice"] }], night, NO],
  ["the first of two that match", [{}, { subjects: ["alice"] }], alice, 0],
  ["the second where the first does not", [{ subjects: ["bob"] }, {}], alice, 1],
  ["the strict one before the wide one", [{ groups: ["night"] }, {}], night, 0],
  ["the wide one for those whom the strict one does not mean", [{ groups: ["night"] }, {}], alice, 1],
  ["the last of many", [{ groups: ["a"] }, { subjects: ["b"] }, { issuer: PARTNER }, {}], alice, 3],
  ["a session changes nothing about whom", [{ session: 600 }], alice, 0],
  ["a session in a rule for others", [{ session: 600, subjects: ["bob"] }, {}], alice, 1],

  ["a platform's word, unasked for", [{}], word, NO],
  ["a platform's word", [{ on_behalf_of: true }], word, 0],
  ["a platform's word about another", [{ on_behalf_of: true, subjects: ["bob"] }], word, NO],
  ["a platform's word about the one", [{ on_behalf_of: true, subjects: ["alice"] }], word, 0],
  ["a platform's word of another issuer", [{ on_behalf_of: true }], { ...word, issuer: PARTNER }, NO],
  [
    "a platform's word under that issuer's rule",
    [{ on_behalf_of: true, issuer: PARTNER }],
    { ...word, issuer: PARTNER },
    0,
  ],
  ["a platform's word where a rule has groups", [{ groups: ["night"] }], word, NO],
  ["a platform's word where a rule has claims", [web], { ...word, issuer: JOBS }, NO],
  [
    "a platform's word, past rules that are not for it",
    [{}, { groups: ["night"] }, { on_behalf_of: true }],
    word,
    2,
  ],
  ["an issuer's word where a platform's would do", [{ on_behalf_of: true }], alice, 0],
  [
    "a platform's word that names an issuer of jobs is of a person",
    [{ on_behalf_of: true, issuer: JOBS }],
    { ...word, issuer: JOBS },
    0,
  ],

  ["a job under a rule of its issuer", [{ issuer: JOBS }], job, 0],
  ["a job under a rule without an issuer", [{}], job, NO],
  ["a job under another issuer's rule", [{ issuer: PARTNER }], job, NO],
  [
    "a job that calls its issuer as people's, under the rule for people",
    [{}],
    { ...job, issuer: PEOPLE },
    NO,
  ],
  ["a person under a rule for jobs' issuer", [{ issuer: JOBS }], alice, NO],
  ["a job by its subject", [{ issuer: JOBS, subjects: [job.subject] }], job, 0],
  ["a job by another subject", [{ issuer: JOBS, subjects: ["repo:acme/web"] }], job, NO],
  ["a claim", [web], job, 0],
  ["a claim with another value", [{ issuer: JOBS, claims: { repository: "acme/api" } }], job, NO],
  ["a claim's value in other letters", [{ issuer: JOBS, claims: { repository: "Acme/web" } }], job, NO],
  ["a claim's value that begins alike", [{ issuer: JOBS, claims: { repository: "acme" } }], job, NO],
  ["a claim's value with more behind it", [web], claimed({ repository: "acme/web2" }), NO],
  ["a claim's value with a space", [web], claimed({ repository: "acme/web " }), NO],
  ["a claim's value with a star", [{ issuer: JOBS, claims: { repository: "acme/*" } }], job, NO],
  ["a claim's name in other letters", [{ issuer: JOBS, claims: { Repository: "acme/web" } }], job, NO],
  ["one of several values", [{ issuer: JOBS, claims: { repository: ["acme/api", "acme/web"] } }], job, 0],
  ["none of several values", [{ issuer: JOBS, claims: { repository: ["acme/api", "acme/app"] } }], job, NO],
  ["two claims", [main], job, 0],
  ["two claims, one of them another", [main], claimed({ repository: "acme/web", ref: "refs/heads/dev" }), NO],
  ["two claims, one of them missing", [main], claimed({ repository: "acme/web" }), NO],
  ["no claims at all", [web], claimed({}), NO],
  ["a claim that is missing", [{ issuer: JOBS, claims: { environment: "prod" } }], job, NO],
  ["a claim that is null", [web], claimed({ repository: null }), NO],
  ["a claim that is empty", [web], claimed({ repository: "" }), NO],
  ["a claim that is a list of that", [web], claimed({ repository: ["acme/web"] }), NO],
  ["a claim that is a list with others", [web], claimed({ repository: ["acme/web", "acme/api"] }), NO],
  ["a claim that is an object", [web], claimed({ repository: { name: "acme/web" } }), NO],
  ["a claim that is a number", [{ issuer: JOBS, claims: { run_id: "7" } }], claimed({ run_id: 7 }), NO],
  ["a claim that is a number's text", [{ issuer: JOBS, claims: { run_id: "7" } }], job, 0],
  [
    "a claim that is true",
    [{ issuer: JOBS, claims: { protected: "true" } }],
    claimed({ protected: true }),
    NO,
  ],
  [
    "a claim that is true's text",
    [{ issuer: JOBS, claims: { protected: "true" } }],
    claimed({ protected: "true" }),
    0,
  ],
  ["a claim that every object has", [{ issuer: JOBS, claims: { constructor: "Object" } }], job, NO],
  [
    "a claim called toString, said",
    [{ issuer: JOBS, claims: { toString: "x" } }],
    claimed({ toString: "x" }),
    0,
  ],
  [
    "a claim by a path, which is no name",
    [{ issuer: JOBS, claims: { "a.b": "c" } }],
    claimed({ a: { b: "c" } }),
    NO,
  ],
  ["a claim with a dot in its name", [{ issuer: JOBS, claims: { "a.b": "c" } }], claimed({ "a.b": "c" }), 0],
  [
    "a claim with an address for a name",
    [{ issuer: JOBS, claims: { "https://x.test/a": "c" } }],
    claimed({ "https://x.test/a": "c" }),
    0,
  ],
  ["claim and subject", [{ ...web, subjects: [job.subject] }], job, 0],
  ["the claim, and another subject", [{ ...web, subjects: ["x"] }], job, NO],
  ["claim and group, of a job in none", [{ ...web, groups: ["deploy"] }], job, NO],
  ["claim and group", [{ ...web, groups: ["deploy"] }], { ...job, groups: ["deploy"] }, 0],
  ["the strict rule for a branch before the wide one", [main, web], job, 0],
  ["the wide rule for other branches", [main, web], claimed({ repository: "acme/web", ref: "x" }), 1],
  ["a claim of another issuer's rule", [{ claims: { repository: "acme/web" } }], job, NO],
  [
    "claims in a rule for people, of whom none are known",
    [{ claims: { repository: "acme/web" } }],
    alice,
    NO,
  ],
  [
    "claims that a person's dry run names, which no login has",
    [{ claims: { a: "b" } }],
    { ...alice, claims: { a: "b" } },
    NO,
  ],
  ["people past a rule with claims", [{ claims: { a: "b" } }, {}], alice, 1],

  ["an ID-JAG's person under the rule for people", [{}], jag, 0],
  ["an ID-JAG's person by a group", [{ groups: ["staff"] }], jag, 0],
  ["an ID-JAG's person by another group", [{ groups: ["night"] }], jag, NO],
  ["an ID-JAG by its client", [{ claims: { client_id: "c1" } }], jag, 0],
  ["an ID-JAG by another client", [{ claims: { client_id: "c2" } }], jag, NO],
  ["an ID-JAG's scope is one text", [{ claims: { scope: "a" } }], jag, NO],
  ["an ID-JAG's scope as a whole", [{ claims: { scope: "a b" } }], jag, 0],
  [
    "the rule for a client before that for people",
    [{ claims: { client_id: "c1" }, session: 60 }, {}],
    jag,
    0,
  ],
  ["an ID-JAG's person of another issuer", [{ issuer: PARTNER }], { ...jag, issuer: PARTNER }, 0],
];

export const POLICY_CASES: readonly PolicyCase[] = ROWS.map(([name, rules, who, wants]) => ({
  name,
  rules,
  who,
  wants,
}));
