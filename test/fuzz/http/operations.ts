import { OPENAPI, type Operation } from "../../support/contract.ts";

/** A schema of openapi.yaml, as far as values are made from it. */
export type Schema = Readonly<Record<string, unknown>>;

/** A parameter of an operation. */
export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header" | "cookie";
  readonly required: boolean;
  readonly schema: Schema;
}

/** An operation of openapi.yaml, with what a request for it has. */
export interface DescribedOperation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  /** The body that it takes, if it describes one. */
  readonly body:
    | { readonly mediaType: string; readonly schema: Schema; readonly example: unknown }
    | undefined;
}

type Described = Operation & { readonly parameters?: readonly Parameter[] };

/** Every operation of openapi.yaml. */
export const OPERATIONS: readonly DescribedOperation[] = Object.entries(OPENAPI.paths).flatMap(
  ([path, operations]) =>
    Object.entries(operations).flatMap(([method, operation]) =>
      method === "parameters" ? [] : [describe(path, method, operation)],
    ),
);

function describe(path: string, method: string, operation: Described): DescribedOperation {
  const [mediaType, media] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  return {
    id: operation.operationId,
    method: method.toUpperCase(),
    path,
    parameters: operation.parameters ?? [],
    body:
      mediaType === undefined || media === undefined
        ? undefined
        : { mediaType, schema: { ...media.schema }, example: media.example },
  };
}

/** The schema itself, behind its references. */
export function resolved(schema: Schema): Schema {
  const ref = schema["$ref"];
  if (typeof ref !== "string") return schema;
  const found = OPENAPI.components.schemas[ref.slice("#/components/schemas/".length)];
  if (found === undefined) throw new Error(`openapi.yaml refers to ${ref}, which is not there`);
  return resolved({ ...found });
}
