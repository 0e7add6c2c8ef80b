import type { JsonValue } from "../json/value.ts";

/**
 * Why a value that is there does not satisfy a caveat: plainly another value, or one that the operator cannot
 * take. `work` says that the allowance for clearing was used up first.
 */
export type Mismatch =
  | "value"
  | "kind"
  | "too_long"
  | "marks"
  | "not_decimal"
  | "not_instant"
  | "not_address"
  | "empty_segment"
  | "dot_segment"
  | "work";

/** The value that was seen if a caveat on an attribute of the context forbids the request. */
export type Refusal =
  | { readonly seen: "missing" }
  | { readonly seen: "empty_list" }
  | {
      readonly seen: "value";
      readonly value: JsonValue;
      /** The value is an element of the list that the attribute holds. */
      readonly inList: boolean;
      readonly mismatch: Mismatch;
    };
