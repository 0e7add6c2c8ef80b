/** Tells what has been presented once from what is presented again, in a memory of fixed size. */
export interface Sightings {
  /**
   * Notes that a good signature was presented.
   *
   * @param signature of a verified macaroon, at least six bytes
   * @returns whether it was the last one of its place: nearly always, whether it has been presented lately
   */
  again(signature: Uint8Array): boolean;
}

/** Places: one for each value of a signature's first two bytes, a quarter of a mebibyte in all. */
const PLACES = 65_536;

/**
 * A token that is presented once is worth no memory, and most of a flood is presented once. So a bundle is kept from
 * its second presentation on, and the first leaves nothing but four bytes of its signature, over whatever stood in
 * their place. Signatures are evenly spread already and need no hash. A holder may grind tokens whose signatures
 * meet in one place: they gain that their own tokens are kept sooner, or later, than others.
 */
export function createSightings(): Sightings {
  const places = new Uint32Array(PLACES);
  return {
    again(signature) {
      const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = signature;
      const place = (a << 8) | b;
      const mark = ((c << 24) | (d << 16) | (e << 8) | f) >>> 0;
      if (places[place] === mark) return true;
      places[place] = mark;
      return false;
    },
  };
}
