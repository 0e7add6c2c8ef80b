/**
 * Conditional caveats, written by hand: the canonical text of each, or null for one that no version of the service may
 * read, and the calls that it lets pass. An implementation that reads them otherwise is another language.
 */
export interface ConditionalVector {
  readonly text: string;
  readonly canonical: string | null;
  /** Contexts, as raw JSON. */
  readonly passes: readonly string[];
  readonly fails: readonly string[];
}

const read = (
  text: string,
  passes: readonly string[] = [],
  fails: readonly string[] = [],
  canonical = text,
): ConditionalVector => ({ text, canonical, passes, fails });

const unread = (text: string): ConditionalVector => ({ text, canonical: null, passes: [], fails: ["{}"] });

const LIMIT = "args.amount <= 40";

/** The vectors of conditional.json. */
export function buildConditionalVectors(): readonly ConditionalVector[] {
  return [
    read(
      `when tool = pay then ${LIMIT}`,
      [
        '{"tool":"pay","args":{"amount":40}}',
        '{"tool":"search","args":{"amount":250}}',
        '{"tool":"search"}',
        '{"tool":"Pay","args":{"amount":250}}',
        '{"tool":["search","fetch"]}',
        '{"args":{"amount":40}}',
        '{"tool":null,"args":{"amount":40}}',
      ],
      [
        '{"tool":"pay","args":{"amount":40.00000000000000000001}}',
        '{"tool":"pay"}',
        '{"tool":"pay","args":{"amount":[1,250]}}',
        '{"tool":["pay","search"],"args":{"amount":250}}',
        '{"tool":["search","pay"]}',
        '{"tool":[]}',
        '{"tool":null}',
        '{"tool":{"name":"pay"}}',
        '{"tool":[["pay"]]}',
        "{}",
        '{"args":{"amount":250}}',
      ],
    ),
    read(
      "when tool in pay, refund then args.currency = EUR",
      ['{"tool":"refund","args":{"currency":"EUR"}}', '{"tool":"search"}'],
      ['{"tool":"refund","args":{"currency":"USD"}}', '{"tool":["search","refund"]}', "{}"],
    ),
    read(
      "when account = 100 then action = read",
      ['{"account":101}', '{"account":"100","action":"read"}'],
      ['{"account":"0100"}', '{"account":1e2}', '{"account":" 100 "}', '{"account":100.0,"action":"write"}'],
    ),
    read(
      "when name = é then x != 1",
      ['{"name":"e"}', '{"name":"é","x":2}'],
      ['{"name":"e\\u0301","x":1}', '{"name":"é"}'],
    ),
    read(
      "when ip = 10.0.0.1 then tool not in shell, deploy",
      ['{"ip":"10.0.0.2","tool":"shell"}'],
      ['{"ip":"::ffff:10.0.0.1","tool":"shell"}'],
    ),
    read(
      "when resource = a then resource matches b/**",
      ['{"resource":"c"}'],
      ['{"resource":"a"}', '{"resource":["b/x","a"]}', "{}"],
    ),
    read("when args.dry = false then ip within 10.0.0.0/8", ['{"args":{"dry":true}}'], ['{"args":{}}']),
    read(
      'when tool = "pay out" then x = 1',
      ['{"tool":"pay"}', '{"tool":"pay out","x":1}'],
      ['{"tool":"pay out"}'],
    ),
    read(
      'when tool in "pay out", "a,b",  refund then x = 1',
      ['{"tool":"a"}'],
      ['{"tool":"a,b"}'],
      'when tool in "pay out", "a,b", refund then x = 1',
    ),
    read('when tool = "a then x = 1 or" then x = 1', ['{"tool":"a"}'], ['{"tool":"a then x = 1 or"}']),
    read('when tool = "pay" then x = 1', [], [], "when tool = pay then x = 1"),
    read('when tool = "\\u0070ay" then x = 1', [], [], "when tool = pay then x = 1"),
    read("when tool in pay,refund then x = 1", [], [], "when tool in pay, refund then x = 1"),
    read("when tool in pay then x = 1"),
    read("when tool = a,b then x = 1", ['{"tool":"a"}'], ['{"tool":"a,b"}']),
    read('when tool = "\\"q\\"" then x = 1', ['{"tool":"q"}'], ['{"tool":"\\"q\\""}']),
    read('when tool = " edge" then x = 1', ['{"tool":"edge"}'], ['{"tool":" edge"}']),
    read("when tool = then then then = then", ['{"tool":"when"}'], ['{"tool":"then"}']),
    read("when when = a then when = b", ['{"when":"c"}'], ['{"when":"a"}', "{}"]),
    read("when x = 1 then y <= 1.50e2", [], [], "when x = 1 then y <= 150"),
    read("when x = 1 then y = a then z = b", ['{"x":1,"y":"a then z = b"}'], ['{"x":1,"y":"a"}']),
    // A test of an attribute called `when` stays one, and is nothing else where it is malformed.
    read("when = tool then x", ['{"when":"tool then x"}'], ['{"when":"tool"}']),
    read("when in = v then x = 1", ['{"when":"= v then x = 1"}'], ['{"in":"w","when":"v"}']),
    read("when matches = v then x = 1", [], ['{"when":"v"}']),
    read("when not in = v then x", [], ['{"when":"= v then x"}']),
    read("when.x = a", ['{"when":{"x":"a"}}'], ['{"when":"a"}']),
    unread('when in = "a," then x = 1'),
    unread("when in in a,, then x = 1"),
    unread("when within = a then x = 1"),
    unread("when"),
    unread("when tool"),
    unread("when tool = pay"),
    unread("when tool = pay then"),
    unread("when tool = pay then "),
    unread(`when tool = pay  then ${LIMIT}`),
    unread(`when tool = pay then  ${LIMIT}`),
    unread(`when  tool = pay then ${LIMIT}`),
    unread(` when tool = pay then ${LIMIT}`),
    unread(`when tool = pay then ${LIMIT} `),
    unread(`When tool = pay then ${LIMIT}`),
    unread(`when tool = pay Then ${LIMIT}`),
    unread(`when tool = pay out then ${LIMIT}`),
    unread(`when tool = "pay out" ${LIMIT}`),
    unread(`when tool = "pay out then ${LIMIT}`),
    unread(`when tool = "" then ${LIMIT}`),
    unread(`when tool =  then ${LIMIT}`),
    unread(`when tool = \u00a0 then ${LIMIT}`),
    unread(`when tool = "a\\u0000" then ${LIMIT}`),
    unread(`when tool = "\\ud800" then ${LIMIT}`),
    unread(`when tool in then ${LIMIT}`),
    unread(`when tool in pay, then ${LIMIT}`),
    unread(`when tool in pay,,refund then ${LIMIT}`),
    unread(`when tool in pay refund then ${LIMIT}`),
    unread(`when tool != pay then ${LIMIT}`),
    unread(`when tool not in pay then ${LIMIT}`),
    unread(`when tool matches pay* then ${LIMIT}`),
    unread(`when args.amount > 5 then ${LIMIT}`),
    unread(`when tool == pay then ${LIMIT}`),
    unread(`when tool. = pay then ${LIMIT}`),
    unread("when tool = pay then args.amount <= much"),
    unread("when tool = pay then nothing"),
    unread("when tool = pay then when args.currency = EUR then args.amount <= 40"),
    // Neither part may be on an attribute of the service.
    unread("when tool = pay then time < 2099-01-01T00:00:00Z"),
    unread("when tool = pay then time-before 2099-01-01T00:00:00Z"),
    unread("when tool = pay then uses <= 3"),
    unread("when tool = pay then spend.EUR <= 40"),
    unread("when tool = pay then rate <= 5/m"),
    unread("when tool = pay then agent = x"),
    unread("when tool = pay then depth <= 3"),
    unread("when tool = pay then holder = NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"),
    unread("when tool = pay then bh.x = 1"),
    unread("when agent = x then x = 1"),
    unread("when time = x then x = 1"),
    unread("when time-before = x then x = 1"),
    unread("when spend.EUR = 1 then x = 1"),
    unread("when bh.discharge in x then x = 1"),
  ];
}
