/** Items that wait in lanes, and these in lanes of their own. Lanes beside each other have turns. */
export interface NestedLanes<Item> {
  /** @param way the lane's names, the widest first; items of one lane stay in their order */
  add(way: readonly string[], item: Item): void;
  /** The item whose turn it is; undefined if none waits. */
  first(): Item | undefined;
  /** Takes the item whose turn it is away, and sends each lane that it was in behind those beside it. */
  shift(): void;
}

interface Lane<Item> {
  /** None is empty; the one whose turn is next is first. */
  readonly within: Map<string, Lane<Item>>;
  readonly items: Item[];
}

/** Makes empty lanes. All ways have as many names. */
export function createNestedLanes<Item>(): NestedLanes<Item> {
  const whole: Lane<Item> = { within: new Map(), items: [] };

  function head(lane: Lane<Item>): Item | undefined {
    for (const next of lane.within.values()) return head(next);
    return lane.items[0];
  }

  function behead(lane: Lane<Item>): void {
    for (const [name, next] of lane.within) {
      behead(next);
      lane.within.delete(name);
      if (next.within.size > 0 || next.items.length > 0) lane.within.set(name, next);
      return;
    }
    lane.items.shift();
  }

  return {
    add(way, item) {
      let lane = whole;
      for (const name of way) {
        let next = lane.within.get(name);
        if (next === undefined) {
          next = { within: new Map(), items: [] };
          lane.within.set(name, next);
        }
        lane = next;
      }
      lane.items.push(item);
    },
    first: () => head(whole),
    shift: () => behead(whole),
  };
}
