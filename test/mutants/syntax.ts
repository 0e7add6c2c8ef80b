import { type ESTree, parseSync } from "rolldown/utils";

export type Node = ESTree.Node;

/** Nodes of TypeScript that hold an expression; all others of TypeScript are types, which do nothing at run time. */
const TYPED_EXPRESSIONS: ReadonlySet<string> = new Set([
  "TSAsExpression",
  "TSSatisfiesExpression",
  "TSNonNullExpression",
  "TSInstantiationExpression",
]);

/**
 * Reads a TypeScript source.
 *
 * @throws Error with the first complaint of the parser
 */
export function parse(file: string, text: string): ESTree.Program {
  const { program, errors } = parseSync(file, text, { lang: "ts", sourceType: "module" });
  if (errors[0] !== undefined) throw new Error(`${file} does not parse: ${errors[0].message}`);
  return program;
}

/** Calls `visit` with each node that is there at run time, and with the nodes around it, the nearest last. */
export function walk(root: Node, visit: (node: Node, around: readonly Node[]) => void): void {
  const around: Node[] = [];
  const enter = (node: Node): void => {
    visit(node, around);
    around.push(node);
    for (const child of childrenOf(node)) enter(child);
    around.pop();
  };
  enter(root);
}

function childrenOf(node: Node): readonly Node[] {
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportAllDeclaration":
      return [];
    case "ExportNamedDeclaration":
      return node.declaration === null || !isRun(node.declaration) ? [] : [node.declaration];
    // The name of a member is no value; a computed one is.
    case "Property":
    case "PropertyDefinition":
    case "MethodDefinition": {
      const parts: readonly unknown[] = node.computed ? [node.key, node.value] : [node.value];
      return parts.filter(isNode).filter(isRun);
    }
    default:
      return Object.values(node).flat().filter(isNode).filter(isRun);
  }
}

function isRun(node: Node): boolean {
  if ("declare" in node && node.declare === true) return false;
  return !node.type.startsWith("TS") || TYPED_EXPRESSIONS.has(node.type);
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

export type FunctionNode = Extract<
  Node,
  { readonly type: "FunctionDeclaration" | "FunctionExpression" | "ArrowFunctionExpression" }
>;

export function isFunction(node: Node): node is FunctionNode {
  return (
    node.type === "FunctionDeclaration" ||
    node.type === "FunctionExpression" ||
    node.type === "ArrowFunctionExpression"
  );
}
