import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Collects all garbage of the thread that calls it. V8 leaves what a calm program drops where it is until its heap nears its limit, and matrices stay
 * with the objects that hold them; where work comes in bursts, the end of one is when nobody waits for the pause (tens of milliseconds).
 */
export const createGarbageCollector = (): (() => void) => {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
};
