import type { LabHost } from "../tests/lab/host.ts";

/** How the holder ends: as it should, by a crash of its agent, or with its whole node. */
export type Ending = "SIGTERM" | "SIGKILL" | "node";

/** Agents of one kind, one on each node, that stand for one VIP. */
export interface Team extends AsyncDisposable {
  /** "classvip", or a peer with its settings. */
  readonly name: string;
  readonly vip: string;
  /** Whether an address that a killed agent leaves goes by itself. */
  readonly cleansUp: boolean;
  /** How long a take-over after a crash may take, at the very most. */
  readonly patienceMs: number;
  /** Starts the agent of a node; resolves when it would take over. */
  join(node: LabHost): Promise<void>;
  /** Sent before it returns. @returns when the process has ended */
  end(node: LabHost, signal: "SIGTERM" | "SIGKILL"): Promise<void>;
}
