const WIDTH = 110;

/** The text of a file of vectors, laid out as the formatter of this repository lays JSON out. */
export function render(vectors: readonly unknown[]): string {
  return `${write(vectors, "", 0)}\n`;
}

function write(value: unknown, indent: string, before: number): string {
  if (Array.isArray(value)) return writeArray(value, indent, before);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  const members = Object.entries(value).map(([name, member]) => {
    const head = `${inner}${JSON.stringify(name)}: `;
    return head + write(member, inner, head.length);
  });
  return `{\n${members.join(",\n")}\n${indent}}`;
}

function writeArray(items: readonly unknown[], indent: string, before: number): string {
  const isFlat = items.every((item) => typeof item !== "object" || item === null);
  const line = `[${items.map((item) => JSON.stringify(item)).join(", ")}]`;
  // One more for the comma that may follow.
  if (isFlat && before + line.length + 1 <= WIDTH) return line;
  const inner = `${indent}  `;
  return `[\n${items.map((item) => inner + write(item, inner, inner.length)).join(",\n")}\n${indent}]`;
}
