/** Of every agent in a chaos run: the shorter, the more elections. */
export const LEASE_MS = 3000;

/**
 * The Lease runs out by the clock of a node whose clock may be 1 % slow, 250 ms for kernels that are
 * late; up to 50 ms by chance.
 */
const EXPIRY_MS = LEASE_MS * 1.01 + 250 + 50;
/**
 * A node that was cut off asks again after 2 s at the latest. Its request may be lost once more: the
 * kernel looks for a lost neighbour once a second, and a request has a fifth of the Lease's time.
 */
const RECONNECT_MS = 2000 + 1000 + LEASE_MS / 5;
/**
 * The processor is shared by everything in the lab, and perhaps by others. An agent that starts needs
 * less, and so does a request that is answered too late and asked again.
 */
const MACHINE_MS = 2000;

/**
 * How long a VIP may be on no node, counted from when a node is there that can take it, and
 * anew from each loss of such a node and each change of the Lease by hand: the Lease may have been
 * taken just before that.
 */
export const GAP_BOUND_MS = EXPIRY_MS + RECONNECT_MS + MACHINE_MS;

/**
 * The same where nothing else happens, and the holder hands over or fast mode notices its crash. A
 * take-over that waited for the Lease's end, less a renewal just before, would take longer.
 */
export const CALM_GAP_BOUND_MS = LEASE_MS * 0.7;

/**
 * In fast mode, how long the VIP may be at two places when nodes don't hear each other but the former
 * holder's watch works: a delivery time, and no time in which its right might have ended. Otherwise
 * it does end, one Lease after its last renewal.
 */
export const OVERLAP_BOUND_MS = LEASE_MS / 2;
