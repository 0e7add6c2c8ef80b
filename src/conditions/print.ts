import type { Condition, Terms } from "./terms.ts";
import { printName } from "./words.ts";

/** Writes terms as the text that goes into a ticket; reading it gives the same terms. */
export function printTerms({ declared, options, condition }: Terms): string {
  const words = [
    ...(declared.length === 0 ? [] : ["need-declared", declared.join(",")]),
    ...(options.life === undefined ? [] : [`life=${options.life}`]),
    ...(options.authAge === undefined ? [] : [`auth-age=${options.authAge}`]),
    ...(options.acr === undefined ? [] : [`acr=${options.acr.map(printName).join(",")}`]),
    ...(options.principalCounts ? ["principal=counts"] : []),
    ...(options.once ? ["once"] : []),
    ...(options.exact ? ["exact"] : []),
    printCondition(condition),
  ];
  return words.join(" ");
}

function printCondition(condition: Condition): string {
  switch (condition.kind) {
    case "is-authenticated-user":
    case "is-principal":
      return condition.kind;
    case "is-member-of":
      return [condition.kind, ...condition.groups.map(printName)].join(" ");
    case "approved-by": {
      const approvers = [
        ...condition.subjects.map(printName),
        ...condition.groups.map((group) => `group:${printName(group)}`),
      ];
      const count = condition.needed === 1 ? [] : [`${condition.needed} of`];
      return [condition.kind, ...count, approvers.join(","), condition.text].join(" ");
    }
    default:
      return condition satisfies never;
  }
}
