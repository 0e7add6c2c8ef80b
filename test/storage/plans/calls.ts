import { createHash, randomBytes, randomUUID } from "node:crypto";

import type { Repositories, Store } from "../../../src/domain/ports/store.ts";
import { TREE_BOUNDS } from "../../../src/domain/tree/recording.ts";
import {
  auditEvent,
  bytes,
  device,
  issue,
  oauthClient,
  oauthCode,
  oauthConsent,
  oauthFamilyToken,
  oauthGrant,
  platform,
  principal,
  resource,
  revocation,
  rootKey,
  session,
  token,
  uuid,
} from "../samples.ts";
import { BUSY, BUSY_PLATFORM, QUIET, QUIET_PLATFORM } from "./fill.ts";

/** One call of the store. @param n another number at each repetition */
type Call = (store: Store, n: number) => Promise<unknown>;

/**
 * Calls of every method of every repository, with arguments that ask much of a full database. A method without a call does
 * not compile.
 */
type Calls = {
  readonly [R in Exclude<keyof Repositories, "now">]: {
    readonly [M in keyof Repositories[R]]: readonly Call[];
  };
};

const DAY = 86_400_000;
const page = { limit: 50, after: undefined };
const fresh = () => randomBytes(12).toString("hex");
const hash = () => new Uint8Array(randomBytes(32));
/** A UUIDv7 of now. */
const now = () => uuid(randomBytes(5).readUInt32BE(), Date.now());
const whole = { kind: "all" } as const;
const busy = { kind: "platform", platform: BUSY_PLATFORM } as const;
const quiet = { kind: "platform", platform: QUIET_PLATFORM } as const;
const BRANCH = [uuid(1, Date.now()), "AAAAAAAAAAAAAAAAAAAAAA"];
const approvers = Array.from({ length: 40 }, (_, n) => `group:g${n}`);

const dischargeKey = () => ({
  id: fresh(),
  publicKey: hash(),
  sealed: hash(),
  createdAt: Date.now(),
  activeFrom: Date.now(),
  expiresAt: null,
});

const request = (id = now()) => ({
  id,
  kind: "approval" as const,
  protocol: "native" as const,
  state: "pending" as const,
  condition: "c",
  code: "x",
  secretHash: hash(),
  ticketHash: hash(),
  callerHash: bytes(32, "caller"),
  sealed: hash(),
  ancestor: null,
  about: null,
  caveats: ["a = b"],
  allowance: null,
  mortality: null,
  approverKeys: ["group:g1"],
  askedAt: Date.now(),
  expiresAt: Date.now() + DAY,
  decidedAt: null,
});

const md5 = (text: string) => new Uint8Array(createHash("md5").update(text).digest());

/** A chain of a token of now, with new links below what was issued. */
function chain(n: number, links: number) {
  return {
    tokenId: now(),
    issued: md5(String(n)),
    issuedAgent: null,
    links: {
      above: undefined,
      added: Array.from({ length: links }, (_, place) => ({
        link: new Uint8Array(randomBytes(16)),
        caveat: "action = read",
        agent: "a",
        handsOn: place === 0,
        level: 1,
      })),
    },
    allowed: 1,
    refused: 0,
    firstSeen: Date.now(),
    lastSeen: Date.now(),
    approvals: [],
  };
}

async function pendingRequest(store: Store): Promise<string> {
  const made = request();
  await store.dischargeRequests.insert(made, null);
  return made.id;
}

function newToken(principalId = "u7") {
  return token(1, { id: now(), platform: BUSY_PLATFORM, keyId: "k1", principalId, issuedAt: Date.now() });
}

const AUDIT_TREE = {
  number: 1,
  origin: "log.example/1",
  epoch: "1",
  size: 0,
  root: bytes(32, "root"),
  checkpoint: null,
  droppedBefore: null,
};
const AUDIT_PLACES = Array.from({ length: 40 }, (_, index) => ({ level: 0, index }));

/** A counter of the fill, or a new one. */
const counter = (n: number) => ({
  link:
    n % 2 === 0
      ? new Uint8Array(
          createHash("md5")
            .update(String(n + 1))
            .digest(),
        )
      : bytes(16, `new ${n}`),
  most: "1000000",
  takes: "1",
  window: n % 3 === 0 ? 60_000 : undefined,
  endsAt: n % 4 === 0 ? undefined : Date.now() + DAY,
});

/** A key of the fill. */
const known = (n: number) => new Uint8Array(createHash("sha256").update(String(n)).digest());

async function reserved(store: Store, n: number): Promise<string> {
  const draw = { ...counter(n), takes: "2", window: undefined };
  const id = now();
  const spends = [{ link: draw.link, unit: "EUR", amount: "2" }];
  const reserve = { id, life: DAY, spends, cost: { EUR: "2" } };
  await store.budgets.charge(BUSY_PLATFORM, [{ draws: [draw], dry: false, reserve }]);
  return id;
}

/** The steps of an append, of which the second asks the database. */
const inSteps: Call = async (store) => {
  const { prepare, write, standing } = store.revocations;
  return standing(await write(await prepare([newRevocation()])));
};

export const CALLS: Calls = {
  audit: {
    append: [
      (store) => store.audit.append([auditEvent(1, { id: now() })]),
      (store) => store.audit.append(Array.from({ length: 500 }, () => auditEvent(1, { id: now() }))),
    ],
  },
  auditTrees: {
    trees: [(store) => store.auditTrees.trees()],
    hold: [(store) => store.auditTrees.hold(false), (store) => store.auditTrees.hold(true)],
    begin: [(store) => store.auditTrees.begin(AUDIT_TREE, Date.now())],
    waiting: [(store) => store.auditTrees.waiting(1_000)],
    countWaiting: [(store) => store.auditTrees.countWaiting(1_000)],
    waitingLeaf: [(store) => store.auditTrees.waitingLeaf(now())],
    place: [
      async (store, n) => {
        const waiting = await store.auditTrees.waiting(500);
        const ids = waiting.map(({ eventId }) => eventId);
        await store.auditTrees.place(1, 1_000_000 + n * 1_000, ids);
      },
    ],
    tiles: [(store) => store.auditTrees.tiles(1, AUDIT_PLACES)],
    putTiles: [
      (store, n) =>
        store.auditTrees.putTiles(
          1,
          AUDIT_PLACES.map(({ level, index }) => ({ level, index: index + n * 1_000, hashes: hash() })),
        ),
    ],
    grow: [(store, n) => store.auditTrees.grow({ ...AUDIT_TREE, size: n })],
    entries: [(store, n) => store.auditTrees.entries(1, n * 1_024, (n + 1) * 1_024)],
    list: [
      { actor: "alice", principal: "u7", agent: "a", tokenId: uuid(1), revocationId: "x", action: "y.z" },
      { platform: BUSY_PLATFORM },
      { platform: QUIET_PLATFORM, ownOnly: true, action: "token.revoked" },
      { from: Date.now() - DAY / 24, to: Date.now() },
      {},
    ].flatMap((filter) =>
      [true, false].map(
        (oldestFirst): Call =>
          (store) =>
            store.auditTrees.list(filter, { ...page, oldestFirst }),
      ),
    ),
    leaves: [
      async (store) => {
        const entries = await store.auditTrees.entries(1, 0, 500);
        await store.auditTrees.leaves(entries.map(({ eventId }) => eventId));
      },
    ],
    placesBefore: [(store) => store.auditTrees.placesBefore(Date.now() - 100 * DAY)],
    noteDropped: [(store) => store.auditTrees.noteDropped(1, Date.now())],
    dropLeaves: [(store) => store.auditTrees.dropLeaves(Date.now() - 100 * DAY)],
    key: [(store) => store.auditTrees.key()],
    keepKey: [
      (store) => store.auditTrees.keepKey({ publicKey: hash(), sealed: hash(), createdAt: Date.now() }),
    ],
    resealKey: [(store) => store.auditTrees.resealKey(hash())],
  },
  budgets: {
    charge: [
      (store, n) =>
        store.budgets.charge(BUSY_PLATFORM, [{ draws: [counter(n), counter(n + 1)], dry: false }]),
      (store, n) =>
        store.budgets.charge(
          BUSY_PLATFORM,
          Array.from({ length: 64 }, (_, at) => ({ draws: [counter(at), counter(at + n)], dry: false })),
        ),
      (store, n) =>
        store.budgets.charge(
          BUSY_PLATFORM,
          Array.from({ length: 300 }, (_, at) => ({
            key: { hash: at % 2 === 0 ? hash() : known(at), question: hash() },
            draws: [counter(at), counter(at + n)],
            dry: at % 9 === 0,
          })),
        ),
      (store) => store.budgets.charge(BUSY_PLATFORM, [{ draws: [], dry: false, proof: hash() }]),
      (store, n) =>
        store.budgets.charge(
          BUSY_PLATFORM,
          Array.from({ length: 300 }, (_, at) => ({
            proof: at % 2 === 0 ? hash() : known(at),
            draws: [counter(at + n)],
            dry: at % 9 === 0,
          })),
        ),
    ],
    dropEnded: [(store) => store.budgets.dropEnded()],
    reservation: [async (store, n) => store.budgets.reservation(BUSY_PLATFORM, await reserved(store, n))],
    settle: [async (store, n) => store.budgets.settle(BUSY_PLATFORM, await reserved(store, n), { EUR: "1" })],
  },
  links: {
    observe: [
      (store, n) => store.links.observe([chain(n, 3), chain(n, 0)], TREE_BOUNDS),
      (store) => store.links.observe([{ ...chain(1, 0), links: { last: md5("1") } }], TREE_BOUNDS),
    ],
    trees: [(store) => store.links.trees([now(), randomUUID()], 20_001, Date.now())],
    left: [
      (store) =>
        store.links.left(
          BUSY_PLATFORM,
          [
            { link: md5("1"), most: "9", window: undefined },
            { link: md5("2"), most: "9", window: 60_000 },
          ],
          Date.now(),
        ),
    ],
    treeOf: [(store) => store.links.treeOf(md5("1"))],
    find: (
      [
        { kind: "link", link: md5("1") },
        { kind: "token", tokenId: now() },
        { kind: "agent", agent: "a7" },
        { kind: "approval", approvalId: "approval-7" },
        { kind: "principal", ...QUIET },
        { kind: "principal", ...BUSY },
        { kind: "principal_id", id: "u1" },
        { kind: "platform", platform: QUIET_PLATFORM, keyId: undefined },
        { kind: "platform", platform: BUSY_PLATFORM, keyId: "k1" },
      ] as const
    ).map((search) => (store) => store.links.find(search, busy, Date.now(), 100)),
  },
  liveDischarges: {
    take: [
      (store) =>
        store.liveDischarges.take(
          { place: hash(), requestId: now(), livesUntil: Date.now() + DAY },
          Date.now(),
        ),
    ],
    moveEnd: [(store) => store.liveDischarges.moveEnd(now(), Date.now())],
    dropBefore: [(store) => store.liveDischarges.dropBefore(Date.now() - DAY)],
  },
  dischargeKeys: {
    insert: [(store) => store.dischargeKeys.insert(dischargeKey())],
    usable: [(store) => store.dischargeKeys.usable(Date.now())],
    retire: [(store) => store.dischargeKeys.retire("x", Date.now())],
    reseal: [(store) => store.dischargeKeys.reseal("x", hash())],
    destroyExpired: [(store) => store.dischargeKeys.destroyExpired(Date.now() - DAY)],
  },
  verdictKeys: {
    insert: [(store) => store.verdictKeys.insert(dischargeKey())],
    usable: [(store) => store.verdictKeys.usable(Date.now())],
    retire: [(store) => store.verdictKeys.retire("x", Date.now())],
    reseal: [(store) => store.verdictKeys.reseal("x", hash())],
    destroyExpired: [(store) => store.verdictKeys.destroyExpired(Date.now() - DAY)],
  },
  dischargeRequests: {
    insert: [(store) => store.dischargeRequests.insert(request(), { depth: 2, branch: BRANCH })],
    find: [async (store) => store.dischargeRequests.find(await pendingRequest(store))],
    lock: [async (store) => store.dischargeRequests.lock(await pendingRequest(store))],
    decide: [
      async (store) =>
        store.dischargeRequests.decide(await pendingRequest(store), {
          ...QUIET,
          approved: true,
          reason: null,
          at: Date.now(),
          spokeAt: Date.now(),
        }),
    ],
    settle: [
      async (store) =>
        store.dischargeRequests.settle(await pendingRequest(store), "granted", Date.now(), Date.now()),
    ],
    confirmedBy: [
      (store) => {
        const search = { platform: null, own: null, spokeBefore: Date.now() };
        const people = Array.from({ length: 100 }, (_, place) => [
          { ...search, ...QUIET, place, principalId: null },
          { ...search, place, issuer: null, subject: null, principalId: "nobody" },
        ]);
        return store.dischargeRequests.confirmedBy(people.flat(), Date.now());
      },
    ],
    countConfirmed: [(store) => store.dischargeRequests.countConfirmed(QUIET, Date.now(), 1_000)],
    confirmations: [(store) => store.dischargeRequests.confirmations(QUIET, Date.now(), 20)],
    withdraw: [async (store) => store.dischargeRequests.withdraw(await pendingRequest(store), Date.now())],
    standings: [
      (store) => store.dischargeRequests.standings(Array.from({ length: 200 }, () => randomUUID())),
    ],
    waitingOf: [
      (store) =>
        store.dischargeRequests.waitingOf(
          { callerHash: bytes(32, "caller"), link: "AAAAAAAAAAAAAAAAAAAAAA", depth: 2, branch: BRANCH },
          Date.now(),
        ),
    ],
    waitingFor: [
      (store) =>
        store.dischargeRequests.waitingFor(
          approvers,
          {
            callerHash: bytes(32, "caller"),
            protocol: "native",
            branch: BRANCH,
            platform: QUIET_PLATFORM,
            assertedBy: "issuer",
          },
          Date.now(),
        ),
    ],
    denied: [
      (store) =>
        store.dischargeRequests.denied(
          { ticketHash: hash(), branch: BRANCH, caveats: ["action = pay"] },
          Date.now() - DAY,
        ),
    ],
    list: [
      (store) => store.dischargeRequests.list(["group:g7"], { pendingAt: undefined }, page),
      (store) => store.dischargeRequests.list(approvers, { pendingAt: Date.now() }, page),
    ],
    countPending: [(store) => store.dischargeRequests.countPending(Date.now(), 10_000)],
    pendingInTurns: [(store) => store.dischargeRequests.pendingInTurns(approvers, Date.now(), 21)],
    clean: [(store) => store.dischargeRequests.clean(Date.now() - DAY, Date.now() - 400 * DAY)],
  },
  lines: {
    find: [(store) => store.lines.find(uuid(7), Date.now())],
    predecessor: [(store) => store.lines.predecessor(uuid(7))],
    successors: [(store) => store.lines.successors([uuid(7), uuid(8)], Date.now())],
    drop: [(store) => store.lines.drop(Date.now() - DAY, Date.now() - 400 * DAY)],
  },
  usedAssertions: {
    use: [(store) => store.usedAssertions.use(hash(), Date.now() + DAY)],
    has: [(store) => store.usedAssertions.has(hash())],
    dropExpired: [(store) => store.usedAssertions.dropExpired(Date.now() - DAY)],
  },
  idempotency: {
    claim: [(store) => store.idempotency.claim({ hash: hash(), bodyHash: hash() }, "lease", 60_000)],
    release: [(store) => store.idempotency.release({ hash: hash(), bodyHash: hash() }, "lease")],
    dropExpired: [(store) => store.idempotency.dropExpired()],
  },
  issues: {
    look: [
      (store) =>
        store.issues.look(
          Array.from({ length: 60 }, (_, n) => ({
            platform: `p${n + 1}`,
            issuer: BUSY.issuer,
            subject: `s${n + 6}`,
            assertedBy: "issuer" as const,
          })),
        ),
    ],
    record: [
      (store) => store.issues.record([issue(1, { token: newToken(), event: auditEvent(1, { id: now() }) })]),
      (store) =>
        store.issues.record(
          Array.from({ length: 60 }, () => {
            const newcomer = principal(fresh(), { platform: BUSY_PLATFORM, id: fresh() });
            return issue(1, {
              token: newToken(newcomer.id),
              event: auditEvent(1, { id: now() }),
              principal: newcomer,
              newcomer: true,
              answer: { hash: hash(), lease: "l", sealed: hash(), life: 1_000 },
            });
          }),
        ),
    ],
  },
  platforms: {
    insert: [(store) => store.platforms.insert(platform(fresh()))],
    find: [(store) => store.platforms.find(QUIET_PLATFORM)],
    lock: [(store) => store.platforms.lock(QUIET_PLATFORM)],
    setPolicy: [(store) => store.platforms.setPolicy(QUIET_PLATFORM, { rules: [] })],
    setResourceHosts: [(store) => store.platforms.setResourceHosts(QUIET_PLATFORM, ["a.example"])],
    list: [
      (store) => store.platforms.list(page),
      (store) => store.platforms.list({ limit: 50, after: "p3" }),
    ],
  },
  principals: {
    changedWithin: [(store) => store.principals.changedWithin(60_000)],
    find: [(store) => store.principals.find("u99")],
    ensure: [
      (store) => store.principals.ensure(principal(fresh(), { platform: BUSY_PLATFORM, id: fresh() })),
      (store) =>
        store.principals.ensure(principal(QUIET.subject, { issuer: QUIET.issuer, platform: "p112" })),
    ],
  },
  resources: {
    insert: [
      (store) =>
        store.resources.insert(
          resource(1, { id: now(), platform: BUSY_PLATFORM, resource: `https://a.example/${fresh()}` }),
        ),
    ],
    find: [(store) => store.resources.find(BUSY_PLATFORM, uuid(1))],
    findByUri: [(store) => store.resources.findByUri("https://a.example/7")],
    only: [(store) => store.resources.only()],
    replace: [(store) => store.resources.replace(resource(1, { platform: BUSY_PLATFORM }))],
    remove: [(store) => store.resources.remove(BUSY_PLATFORM, uuid(2))],
    list: [
      (store) => store.resources.list(BUSY_PLATFORM, page),
      (store) => store.resources.list(BUSY_PLATFORM, { limit: 50, after: uuid(3) }),
    ],
    count: [(store) => store.resources.count(QUIET_PLATFORM)],
    uris: [(store) => store.resources.uris(QUIET_PLATFORM)],
  },
  revocations: {
    endsGrant: [
      (store) =>
        store.revocations.endsGrant({ ...QUIET, platform: QUIET_PLATFORM, spokeAt: Date.now() - DAY }),
      (store) => store.revocations.endsGrant({ ...BUSY, platform: BUSY_PLATFORM, spokeAt: Date.now() }),
      (store) => store.revocations.endsGrant({ ...BUSY, platform: null, spokeAt: Date.now() }),
    ],
    moment: [(store) => store.revocations.moment()],
    hold: [(store) => store.revocations.hold()],
    append: [
      (store) => store.revocations.append([newRevocation()], [auditEvent(1, { id: now() })]),
      (store) => store.revocations.append(Array.from({ length: 200 }, newRevocation)),
    ],
    prepare: [inSteps],
    write: [inSteps],
    standing: [inSteps],
    beginEpoch: [(store) => store.revocations.beginEpoch(fresh())],
    read: [
      (store) => store.revocations.read(0, 200, whole),
      (store) => store.revocations.read(0, 200, busy),
      // Hardly an entry is for this one: finding a page of them takes reading much of the log.
      (store) => store.revocations.read(0, 200, quiet),
      (store) => store.revocations.read(10_000, 200, quiet),
    ],
    load: [
      (store, n) => store.revocations.load(n * 1_000, 1_000, n),
      (store) => store.revocations.load(0, 50_000, 77),
    ],
    state: [(store) => store.revocations.state(4_711)],
    // Of an epoch that is not the log's, so that the other calls go on.
    dispute: [(store) => store.revocations.dispute("another", "another-1")],
    adopt: [(store) => store.revocations.adopt("another")],
    attest: [(store) => store.revocations.attest("another")],
    takeOver: [(store) => store.revocations.takeOver()],
    find: [(store) => store.revocations.find(4_711)],
    covering: [
      (store) =>
        store.revocations.covering(
          QUIET_PLATFORM,
          QUIET,
          randomUUID(),
          Array.from({ length: 100 }, (_, n) => bytes(16, n)),
        ),
    ],
    below: [
      (store) =>
        store.revocations.below(
          { tokenId: randomUUID(), platform: BUSY_PLATFORM, issuer: BUSY.issuer, subject: "s1" },
          100,
        ),
    ],
    dropBefore: [(store) => store.revocations.dropBefore(Date.now() - DAY)],
  },
  devices: {
    insert: [(store) => store.devices.insert(device(hash(), hash()))],
    find: [(store) => store.devices.find([hash(), hash()], Date.now())],
    poll: [(store) => store.devices.poll(hash(), now(), Date.now())],
    answer: [(store) => store.devices.answer(hash(), "approved", Date.now())],
    dropExpired: [(store) => store.devices.dropExpired(Date.now() - DAY)],
  },
  oauth: {
    insertClient: [(store) => store.oauth.insertClient(oauthClient(now()))],
    findClient: [(store) => store.oauth.findClient(now())],
    holdClient: [(store) => store.oauth.holdClient(now())],
    listClients: [(store) => store.oauth.listClients(page)],
    deleteClient: [
      async (store) => {
        const client = oauthClient(now());
        await store.oauth.insertClient(client);
        await store.oauth.deleteClient(client.id);
      },
    ],
    insertCode: [(store) => store.oauth.insertCode(oauthCode(hash()))],
    findCode: [(store) => store.oauth.findCode(hash())],
    findFamily: [(store) => store.oauth.findFamily(now())],
    findFamilyOfCode: [(store) => store.oauth.findFamilyOfCode(hash())],
    stopFamily: [(store) => store.oauth.stopFamily(now())],
    endFamily: [(store) => store.oauth.endFamily(now())],
    isMortallyHit: [
      (store) => store.oauth.isMortallyHit(oauthGrant(), [oauthFamilyToken(now()), oauthFamilyToken(now())]),
    ],
    keepConsent: [(store) => store.oauth.keepConsent(oauthConsent(now()))],
    holdConsent: [(store) => store.oauth.holdConsent(now())],
    findConsent: [(store) => store.oauth.findConsent(oauthConsent(now()), Date.now())],
    listConsents: [
      (store) => store.oauth.listConsents(undefined, Date.now(), page),
      (store) => store.oauth.listConsents(BUSY, Date.now(), page),
    ],
    deleteConsent: [(store) => store.oauth.deleteConsent(BUSY, now())],
    dropExpired: [(store) => store.oauth.dropExpired(Date.now() - DAY)],
  },
  people: {
    saw: [
      (store) =>
        store.people.saw({ ...QUIET, email: "quiet@example.com", name: "Quiet" }, Date.now(), {
          saidAt: Date.now(),
          isWhole: false,
        }),
    ],
    known: [(store) => store.people.known(QUIET.issuer, ["s1", "s2@example.com", "nobody"])],
    dropBefore: [(store) => store.people.dropBefore(Date.now() - 400 * DAY)],
  },
  rootKeys: {
    insert: [(store) => store.rootKeys.insert(rootKey("x", { id: fresh(), platform: QUIET_PLATFORM }))],
    find: [(store) => store.rootKeys.find("k77")],
    usable: [(store) => store.rootKeys.usable(Date.now())],
    newest: [(store) => store.rootKeys.newest(QUIET_PLATFORM)],
    retire: [(store) => store.rootKeys.retire("k78", Date.now(), Date.now() + DAY)],
    reseal: [(store) => store.rootKeys.reseal("k79", hash())],
    destroyExpired: [(store) => store.rootKeys.destroyExpired(Date.now() - DAY)],
    list: [
      (store) => store.rootKeys.list(undefined, page),
      (store) => store.rootKeys.list(QUIET_PLATFORM, { limit: 50, after: `${Date.now() - DAY}.k100` }),
    ],
  },
  sessions: {
    insert: [(store) => store.sessions.insert(session("x", { idHash: hash(), id: randomUUID() }))],
    find: [(store) => store.sessions.find(hash(), Date.now())],
    end: [(store) => store.sessions.end(hash())],
    list: [
      (store) => store.sessions.list(QUIET, { kind: undefined, now: Date.now() }, page),
      (store) =>
        store.sessions.list(QUIET, { kind: "program", now: Date.now() }, { limit: 50, after: randomUUID() }),
    ],
    hold: [(store) => store.sessions.hold(QUIET, randomUUID())],
    endOwn: [(store) => store.sessions.endOwn(QUIET, randomUUID())],
    endPrograms: [(store) => store.sessions.endPrograms(QUIET)],
    dropExpired: [(store) => store.sessions.dropExpired(Date.now())],
  },
  tokens: {
    insert: [(store) => store.tokens.insert(newToken())],
    find: [
      (store) => store.tokens.find(randomUUID(), {}),
      (store) => store.tokens.find(now(), { platform: BUSY_PLATFORM, human: BUSY }),
    ],
    findAll: [(store) => store.tokens.findAll([now(), randomUUID()])],
    list: [
      (store) => store.tokens.list({}, page),
      (store) => store.tokens.list({ platform: BUSY_PLATFORM }, page),
      (store) => store.tokens.list({ platform: QUIET_PLATFORM }, page),
      (store) => store.tokens.list({ human: BUSY }, page),
      (store) => store.tokens.list({ human: QUIET }, page),
      (store) => store.tokens.list({ human: BUSY, platform: BUSY_PLATFORM }, page),
      (store) => store.tokens.list({ human: BUSY }, { limit: 50, after: now() }),
      (store) => store.tokens.list({ human: QUIET, platform: QUIET_PLATFORM }, page),
    ],
  },
  webhookOutbox: {
    insert: [
      (store) => store.webhookOutbox.insert({ id: randomUUID(), body: "{}", dueAt: Date.now() + DAY }),
    ],
    claim: [(store) => store.webhookOutbox.claim(Date.now() + 10 * 60_000, Date.now() + DAY, 20)],
    postpone: [(store) => store.webhookOutbox.postpone(randomUUID(), Date.now())],
    remove: [(store) => store.webhookOutbox.remove(randomUUID())],
    takeBack: [(store) => store.webhookOutbox.takeBack(randomUUID(), Date.now())],
  },
};

function newRevocation() {
  const target = { kind: "revocation_id" as const, id: new Uint8Array(randomBytes(16)) };
  return revocation(1, { id: now(), target, scope: { kind: "platform", platform: BUSY_PLATFORM } });
}
