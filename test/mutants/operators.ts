import type { Edit } from "./mutant.ts";
import { isFunction, type Node } from "./syntax.ts";

/** One way to break a node: what changes, in short, and the edits that change it. The first edit is where it happens. */
export interface Change {
  readonly change: string;
  readonly edits: readonly Edit[];
}

const BINARY: Readonly<Record<string, readonly string[]>> = {
  "<": ["<=", ">="],
  "<=": ["<", ">"],
  ">": [">=", "<="],
  ">=": [">", "<"],
  "===": ["!=="],
  "!==": ["==="],
  "+": ["-"],
  "-": ["+"],
  "*": ["/"],
  "/": ["*"],
  "%": ["*"],
  "**": ["*"],
  "<<": [">>"],
  ">>": ["<<"],
  ">>>": [">>"],
  "&": ["|"],
  "|": ["&"],
  "^": ["&"],
};
const LOGICAL: Readonly<Record<string, string>> = { "&&": "||", "||": "&&", "??": "&&" };
const ASSIGNMENT: Readonly<Record<string, string>> = {
  "+=": "-=",
  "-=": "+=",
  "*=": "/=",
  "/=": "*=",
  "%=": "*=",
  "<<=": ">>=",
  ">>=": "<<=",
  ">>>=": ">>=",
  "&=": "|=",
  "|=": "&=",
  "^=": "&=",
  "&&=": "=",
  "||=": "=",
  "??=": "=",
};
const METHODS: ReadonlyMap<string, string> = new Map([
  ["some", "every"],
  ["every", "some"],
  ["startsWith", "endsWith"],
  ["endsWith", "startsWith"],
  ["min", "max"],
  ["max", "min"],
  ["indexOf", "lastIndexOf"],
  ["lastIndexOf", "indexOf"],
  ["padStart", "padEnd"],
  ["toLowerCase", "toUpperCase"],
  ["toUpperCase", "toLowerCase"],
]);
/** Calls without arguments that may be left out. */
const DROPPED: ReadonlySet<string> = new Set([
  "trim",
  "normalize",
  "reverse",
  "toReversed",
  "sort",
  "toSorted",
]);
/** Calls that end in an error: their texts are read by people, and no program depends on them. */
const TAKES_MESSAGE = /Error$|^(?:Refusal|malformed|tooLarge|unknown|fail)$/;
const IS_MESSAGE = /\w \S/;

/** All ways to break one node. */
export function changesOf(node: Node, around: readonly Node[], text: string): readonly Change[] {
  const replace = (part: Node, by: string): Change => ({
    change: `${short(text.slice(part.start, part.end))} → ${short(by)}`,
    edits: [{ start: part.start, end: part.end, text: by }],
  });
  switch (node.type) {
    case "BinaryExpression": {
      if (node.operator === "in" || node.operator === "instanceof") {
        return [replace(node, `!(${text.slice(node.start, node.end)})`)];
      }
      return (BINARY[node.operator] ?? []).map((by) => turn(node, by, text));
    }
    case "LogicalExpression": {
      const by = LOGICAL[node.operator];
      return by === undefined ? [] : [turn(node, by, text)];
    }
    case "AssignmentExpression": {
      const by = ASSIGNMENT[node.operator];
      return by === undefined ? [] : [operatorEdit(node.left.end, node.operator, by, text)];
    }
    case "UpdateExpression": {
      const at = node.prefix ? node.start : node.argument.end;
      return [operatorEdit(at, node.operator, node.operator === "++" ? "--" : "++", text)];
    }
    case "UnaryExpression":
      return "!-~".includes(node.operator)
        ? [{ change: `\`${node.operator}\` → nothing`, edits: [cut(node.start, node.argument.start)] }]
        : [];
    case "IfStatement":
    case "ConditionalExpression":
      return ["true", "false"].map((by) => decide(node.test, by, text));
    case "WhileStatement":
    case "DoWhileStatement":
    case "ForStatement":
      return node.test === null ? [] : [decide(node.test, "false", text)];
    case "Literal":
      return literalsFor(node, around).map((by) => replace(node, by));
    case "TemplateLiteral":
      if (isMessage(text.slice(node.start, node.end), around)) return [];
      return around.at(-1)?.type === "TaggedTemplateExpression" ? [] : [replace(node, "``")];
    case "ArrayExpression":
      return node.elements.length === 0 ? [] : [replace(node, "[]")];
    case "ObjectExpression":
      return node.properties.length === 0 ? [] : [replace(node, "{}")];
    case "MemberExpression":
      return node.optional && !node.computed ? [operatorEdit(node.object.end, "?.", ".", text)] : [];
    case "CallExpression":
      return callChanges(node, text);
    case "ExpressionStatement":
      return isDirective(node) ? [] : [remove(node, text)];
    case "ThrowStatement":
    case "ContinueStatement":
    case "BreakStatement":
      return [remove(node, text)];
    case "ReturnStatement":
      return isLastOfFunction(around) ? [] : [remove(node, text)];
    default:
      return [];
  }
}

function turn(node: Node & { left: Node; right: Node; operator: string }, by: string, text: string): Change {
  const { change, edits } = operatorEdit(node.left.end, node.operator, by, text);
  // Parentheses keep the grouping, which another operator's rank would change.
  const insert = (at: number, what: string): Edit => ({ start: at, end: at, text: what });
  const around = [insert(node.start, "(("), insert(node.right.start, "("), insert(node.end, "))")];
  const [operator] = edits;
  if (operator === undefined) throw new Error("an operator has no place");
  return { change, edits: [{ ...operator, text: `)${operator.text}` }, ...around] };
}

function operatorEdit(from: number, operator: string, by: string, text: string): Change {
  const start = skipComments(text, from);
  if (!text.startsWith(operator, start)) throw new Error(`no ${operator} at ${start}`);
  return {
    change: `\`${operator}\` → \`${by}\``,
    edits: [{ start, end: start + operator.length, text: by }],
  };
}

function skipComments(text: string, from: number): number {
  const space = /(?:\s|\/\/[^\n]*\n|\/\*.*?\*\/)*/sy;
  space.lastIndex = from;
  return from + (space.exec(text)?.[0].length ?? 0);
}

function cut(start: number, end: number): Edit {
  return { start, end, text: "" };
}

function remove(node: Node, text: string): Change {
  const { start, end } = node;
  return { change: `${short(text.slice(start, end))} → nothing`, edits: [{ start, end, text: "{}" }] };
}

function decide({ start, end }: Node, by: string, text: string): Change {
  return {
    change: `condition ${short(text.slice(start, end))} → \`${by}\``,
    edits: [{ start, end, text: by }],
  };
}

function literalsFor(node: Extract<Node, { type: "Literal" }>, around: readonly Node[]): readonly string[] {
  if ("regex" in node) return regexesFor(node.regex);
  if ("bigint" in node) return [`${BigInt(node.bigint) + 1n}n`];
  switch (typeof node.value) {
    case "number":
      return [String(node.value + 1)];
    case "boolean":
      return [String(!node.value)];
    case "string":
      if (node.value === "") return ['"mutant"'];
      return isMessage(node.value, around) ? [] : ['""'];
    default:
      return [];
  }
}

function regexesFor({
  pattern,
  flags,
}: {
  readonly pattern: string;
  readonly flags: string;
}): readonly string[] {
  const patterns: string[] = [];
  if (pattern.startsWith("^")) patterns.push(pattern.slice(1));
  if (pattern.endsWith("$") && !pattern.endsWith("\\$")) patterns.push(pattern.slice(0, -1));
  // Outside of classes, a quantifier may do with none, or want one.
  for (const found of pattern.matchAll(/\\.|\[(?:\\.|[^\]\\])*\]|[+*]|\{\d+(?:,\d*)?\}/gs)) {
    const by = found[0] === "+" ? "*" : found[0] === "*" ? "+" : found[0].startsWith("{") ? "" : undefined;
    if (by === undefined) continue;
    patterns.push(pattern.slice(0, found.index) + by + pattern.slice(found.index + found[0].length));
  }
  for (const found of pattern.matchAll(/\\.|\[(\^?)(?:\\.|[^\]\\])*\]/gs)) {
    if (!found[0].startsWith("[")) continue;
    const inside = found[0].slice(1 + (found[1] ?? "").length);
    const turned = found[1] === "^" ? `[${inside}` : `[^${inside}`;
    patterns.push(pattern.slice(0, found.index) + turned + pattern.slice(found.index + found[0].length));
  }
  return patterns.filter((one) => one !== "").map((one) => `/${one}/${flags}`);
}

function callChanges(node: Extract<Node, { type: "CallExpression" }>, text: string): readonly Change[] {
  const { callee } = node;
  if (callee.type !== "MemberExpression" || callee.computed) return [];
  const { property } = callee;
  if (!("name" in property) || typeof property.name !== "string") return [];
  const by = METHODS.get(property.name);
  if (by !== undefined) {
    return [
      {
        change: `\`.${property.name}\` → \`.${by}\``,
        edits: [{ start: property.start, end: property.end, text: by }],
      },
    ];
  }
  if (!DROPPED.has(property.name) || callee.optional) return [];
  return [
    {
      change: `${short(text.slice(callee.object.end, node.end))} → nothing`,
      edits: [cut(callee.object.end, node.end)],
    },
  ];
}

function isDirective(node: Node): boolean {
  return "directive" in node && typeof node.directive === "string";
}

function isLastOfFunction(around: readonly Node[]): boolean {
  const [body, parent] = [around.at(-1), around.at(-2)];
  return body?.type === "BlockStatement" && parent !== undefined && isFunction(parent);
}

/** Whether a text is an argument, or a branch of one, of a call that ends in an error. */
function isMessage(value: string, around: readonly Node[]): boolean {
  if (!IS_MESSAGE.test(value)) return false;
  const call = around.findLast(({ type }) => type !== "ConditionalExpression" && type !== "TemplateLiteral");
  if (call?.type !== "CallExpression" && call?.type !== "NewExpression") return false;
  return call.callee.type === "Identifier" && TAKES_MESSAGE.test(call.callee.name);
}

const SHORT = 60;

function short(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return `\`${line.length > SHORT ? `${line.slice(0, SHORT - 1)}…` : line}\``;
}
