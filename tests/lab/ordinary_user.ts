/** No user of this machine. */
export const USER = 64123;
const CAPABILITIES = "-all,+net_admin,+net_raw";

/** Makes a command run as an ordinary user with CAP_NET_ADMIN and CAP_NET_RAW, and nothing else. */
export function asOrdinaryUser(command: readonly string[]): string[] {
  return [
    "setpriv",
    // Changing the user takes it away from the one before.
    "--pdeathsig=KILL",
    `--reuid=${USER}`,
    `--regid=${USER}`,
    "--clear-groups",
    `--bounding-set=${CAPABILITIES}`,
    `--inh-caps=${CAPABILITIES}`,
    `--ambient-caps=${CAPABILITIES}`,
    "--no-new-privs",
    "--",
    ...command,
  ];
}
