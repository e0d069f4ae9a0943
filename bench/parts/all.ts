import { crash } from "./crash.ts";
import { create } from "./create.ts";
import { fast } from "./fast.ts";
import { footprint } from "./footprint.ts";
import { handover } from "./handover.ts";
import { isolation } from "./isolation.ts";
import { load } from "./load.ts";
import { many } from "./many.ts";
import type { Part } from "./part.ts";
import { peers } from "./peers.ts";
import { restart } from "./restart.ts";

/** In the order in which they run. */
export const allParts: readonly Part[] = [
  footprint,
  create,
  handover,
  crash,
  fast,
  restart,
  load,
  many,
  isolation,
  peers,
];
