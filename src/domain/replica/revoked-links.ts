const SHARDS = 1024;
const ID_WORDS = 4;
const SLOT_WORDS = ID_WORDS + 1;
const HALVES = 8;

/** Bytes of the secret seed that a set is made with. */
export const LINK_SEED_BYTES = 2 * (HALVES + 1) * 4;

// A shard that is fuller than this grows by a small step: growing is never one long pause nor twice the memory.
const FULLEST = 0.85;
const STEP = 1.08;
const SMALLEST = 8;

const DAY = 86_400_000;
const LAST_DAY = 0xffff;

/** A set of 16-byte ids, each with a tag and the day on which it leaves: 23 bytes a slot, no object an entry. */
export interface LinkSet {
  /**
   * Adds an id under a tag. Adding both again keeps the later end.
   *
   * @param bytes holds the id's 16 bytes from `offset` on
   * @param tag an unsigned 32-bit number
   * @param lastMatchAt unix milliseconds
   */
  add(bytes: Uint8Array, offset: number, tag: number, lastMatchAt: number): void;
  /** Whether the id is there under a tag that is accepted. `accepts` is called for ids that are there only. */
  has(bytes: Uint8Array, offset: number, accepts: (tag: number) => boolean): boolean;
  /**
   * Forgets, shard by shard, entries that cannot match at `now` (unix milliseconds) any more; an entry stays for up
   * to a day longer than it must. Pause between the shards, and others can work.
   */
  sweep(now: number): Generator<void, void>;
  /** Makes room for so many entries more. Growing step by step takes several times as long. */
  reserve(entries: number): void;
  readonly size: number;
  /** Memory of the slots, in bytes. */
  readonly bytes: number;
}

interface Shard {
  /** The id's four words and the tag, slot after slot. */
  readonly words: Uint32Array;
  /** 0 for an empty slot; else 1 to 255 of the id's hash, so that a search reads mostly this. */
  readonly marks: Uint8Array;
  /** The last day, counted from 1970, on which the entry can match. */
  readonly days: Uint16Array;
  readonly capacity: number;
  count: number;
  /** No entry of the shard leaves before this day. */
  earliest: number;
}

function emptyShard(capacity: number): Shard {
  return {
    words: new Uint32Array(capacity * SLOT_WORDS),
    marks: new Uint8Array(capacity),
    days: new Uint16Array(capacity),
    capacity,
    count: 0,
    earliest: LAST_DAY,
  };
}

/**
 * Makes a set.
 *
 * Open addressing, in shards that grow one by one. Callers that may revoke choose the ids, so places come from
 * multilinear hashing under a secret seed (strongly universal in the bits that are used): nobody can make ids
 * that crowd into one place.
 *
 * @param seed secret and random, {@link LINK_SEED_BYTES} long
 */
export function createLinkSet(seed: Uint8Array): LinkSet {
  const seeds = new Uint32Array(seed.slice(0, LINK_SEED_BYTES).buffer);
  const shards: (Shard | undefined)[] = new Array(SHARDS).fill(undefined);
  const scratch = new Uint8Array(ID_WORDS * 4);
  const scratchWords = new Uint32Array(scratch.buffer);
  let size = 0;
  let first = 0; // hashes of the id that was looked at last: returned this way, nothing is allocated
  let second = 0;

  function hash(bytes: Uint8Array, offset: number): void {
    let a = seeds[0] ?? 0;
    let b = seeds[1] ?? 0;
    for (let i = 0; i < 2 * HALVES; i += 2) {
      const half = (bytes[offset + i] ?? 0) | ((bytes[offset + i + 1] ?? 0) << 8);
      a = (a + Math.imul(seeds[i + 2] ?? 0, half)) | 0;
      b = (b + Math.imul(seeds[i + 3] ?? 0, half)) | 0;
    }
    first = a >>> 0;
    second = b >>> 0;
  }

  function load(bytes: Uint8Array, offset: number): void {
    for (let i = 0; i < ID_WORDS * 4; i++) scratch[i] = bytes[offset + i] ?? 0;
  }

  const shardIndex = () => first >>> 22;
  const mark = () => (first >>> 14) & 0xff || 1;
  const home = (capacity: number) => Math.floor((second * capacity) / 0x1_0000_0000);

  function sameId(shard: Shard, slot: number): boolean {
    const at = slot * SLOT_WORDS;
    const { words } = shard;
    return (
      words[at] === scratchWords[0] &&
      words[at + 1] === scratchWords[1] &&
      words[at + 2] === scratchWords[2] &&
      words[at + 3] === scratchWords[3]
    );
  }

  /** Puts the loaded and hashed id into a shard with room. @returns false if it was there already */
  function put(shard: Shard, tag: number, day: number): boolean {
    const { words, marks, days, capacity } = shard;
    const wanted = mark();
    let slot = home(capacity);
    for (; marks[slot] !== 0; slot = slot + 1 === capacity ? 0 : slot + 1) {
      if (marks[slot] === wanted && sameId(shard, slot) && words[slot * SLOT_WORDS + ID_WORDS] === tag) {
        if (day > (days[slot] ?? 0)) days[slot] = day;
        return false;
      }
    }
    words.set(scratchWords, slot * SLOT_WORDS);
    words[slot * SLOT_WORDS + ID_WORDS] = tag;
    marks[slot] = wanted;
    days[slot] = day;
    shard.count += 1;
    if (day < shard.earliest) shard.earliest = day;
    return true;
  }

  /** The shard's entries that stay on `today`, in a shard of that capacity. */
  function rebuilt(old: Shard, capacity: number, today: number): Shard {
    const shard = emptyShard(capacity);
    const bytes = new Uint8Array(old.words.buffer);
    for (let slot = 0; slot < old.capacity; slot++) {
      if (old.marks[slot] === 0 || (old.days[slot] ?? 0) < today) continue;
      const offset = slot * SLOT_WORDS * 4;
      hash(bytes, offset);
      load(bytes, offset);
      put(shard, old.words[slot * SLOT_WORDS + ID_WORDS] ?? 0, old.days[slot] ?? 0);
    }
    return shard;
  }

  return {
    add(bytes, offset, tag, lastMatchAt) {
      const day = Math.min(LAST_DAY, Math.max(0, Math.floor(lastMatchAt / DAY)));
      hash(bytes, offset);
      const index = shardIndex();
      let shard = shards[index];
      if (shard === undefined || shard.count + 1 > shard.capacity * FULLEST) {
        shard =
          shard === undefined
            ? emptyShard(SMALLEST)
            : rebuilt(shard, Math.ceil(shard.capacity * STEP) + SMALLEST, 0);
        shards[index] = shard;
        hash(bytes, offset);
      }
      load(bytes, offset);
      if (put(shard, tag, day)) size += 1;
    },

    has(bytes, offset, accepts) {
      hash(bytes, offset);
      const shard = shards[shardIndex()];
      if (shard === undefined) return false;
      const { words, marks, capacity } = shard;
      const wanted = mark();
      let loaded = false;
      for (let slot = home(capacity); marks[slot] !== 0; slot = slot + 1 === capacity ? 0 : slot + 1) {
        if (marks[slot] !== wanted) continue;
        if (!loaded) load(bytes, offset);
        loaded = true;
        if (sameId(shard, slot) && accepts(words[slot * SLOT_WORDS + ID_WORDS] ?? 0)) return true;
      }
      return false;
    },

    *sweep(now) {
      const today = Math.floor(now / DAY);
      for (let index = 0; index < SHARDS; index++) {
        const shard = shards[index];
        if (shard === undefined || shard.earliest >= today) continue;
        let live = 0;
        for (let slot = 0; slot < shard.capacity; slot++) {
          if (shard.marks[slot] !== 0 && (shard.days[slot] ?? 0) >= today) live += 1;
        }
        size -= shard.count - live;
        shards[index] = live === 0 ? undefined : rebuilt(shard, Math.ceil(live / FULLEST) + SMALLEST, today);
        yield;
      }
    },

    reserve(entries) {
      for (let index = 0; index < SHARDS; index++) {
        const shard = shards[index];
        // A little more than the average: hashing does not share out evenly.
        const wanted = Math.ceil(((shard?.count ?? 0) + (entries / SHARDS) * 1.02) / FULLEST);
        if (wanted <= (shard?.capacity ?? SMALLEST)) continue;
        shards[index] = shard === undefined ? emptyShard(wanted) : rebuilt(shard, wanted, 0);
      }
    },

    get size() {
      return size;
    },

    get bytes() {
      let total = 0;
      for (const shard of shards) total += (shard?.capacity ?? 0) * (SLOT_WORDS * 4 + 1 + 2);
      return total;
    },
  };
}
