/** Tells a token that is presented again from one that is presented once, in a memory of fixed size. */
export interface Sightings {
  /**
   * Notes that a verified macaroon was presented.
   *
   * @param id evenly spread bytes that name it, at least six
   * @returns whether it was the last one of its place: nearly always, whether it has been presented lately
   */
  again(id: Uint8Array): boolean;
}

/** One place for each value of an id's first two bytes: a quarter of a mebibyte in all. */
const PLACES = 65_536;

/**
 * A token that is presented once is worth no memory, and most tokens of a flood are presented once. The first
 * presentation of a token therefore leaves four bytes of its id and nothing else, in place of those of another token.
 * Ids are evenly spread already and need no hash. A holder may grind tokens whose ids meet in one place, and gains that
 * these tokens are kept sooner, or later, than others.
 */
export function createSightings(): Sightings {
  const places = new Uint32Array(PLACES);
  return {
    again(id) {
      const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = id;
      const place = (a << 8) | b;
      const mark = ((c << 24) | (d << 16) | (e << 8) | f) >>> 0;
      if (places[place] === mark) return true;
      places[place] = mark;
      return false;
    },
  };
}
