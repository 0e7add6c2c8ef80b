/**
 * The network that an address is counted under: the address itself, or of IPv6 its first 64 bits, since one who has one
 * such address has 2^64 of them.
 */
export function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const url = URL.parse(`http://[${address.split("%")[0]}]`);
  const [left = "", right = ""] = (url?.hostname ?? "").replace(/[[\]]/g, "").split("::");
  const heads = left.split(":").filter((part) => part !== "");
  const tails = right.split(":").filter((part) => part !== "");
  const zeros = Array.from({ length: Math.max(0, 8 - heads.length - tails.length) }, () => "0");
  return [...heads, ...zeros, ...tails].slice(0, 4).join(":");
}

/** The networks around the one that an address is counted under, the widest first: of IPv4 16 and 24 bits, of IPv6 32 and 48. */
export function networksAround(address: string): readonly string[] {
  const network = networkOf(address);
  const separator = network.includes(":") ? ":" : ".";
  const parts = network.split(separator);
  return [2, 3].map((length) => parts.slice(0, length).join(separator));
}
