import { makeKeyPair } from "../lab/api/certificate.ts";

/** Flags of an etcd without others. @param peer URL that it wants all the same */
export function etcdFlags(dir: string, client: string, peer: string): string[] {
  return [
    `--data-dir=${dir}/etcd`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
  ];
}

/** Writes the tokens of users and the keys of service accounts. @param users lines of tokens.csv */
export async function writeAuthentication(dir: string, users: readonly string[]): Promise<void> {
  const { privateKey, publicKey } = await makeKeyPair();
  await Deno.writeTextFile(`${dir}/service-account.key`, privateKey, { mode: 0o600 });
  await Deno.writeTextFile(`${dir}/service-account.pub`, publicKey);
  await Deno.writeTextFile(`${dir}/tokens.csv`, users.join("\n"), { mode: 0o600 });
}

/**
 * Flags of an API server with RBAC.
 *
 * @param place.dir where {@linkcode writeAuthentication} wrote
 * @param place.certificateDir has server.crt and server.key
 * @param place.address to be reached at; to listen on as well, where `listen` is not given
 */
export function apiServerFlags(place: {
  dir: string;
  certificateDir: string;
  etcd: string;
  address: string;
  port: number;
  listen?: string;
}): string[] {
  const { dir, certificateDir, etcd, address, port, listen = address } = place;
  return [
    `--etcd-servers=${etcd}`,
    `--bind-address=${listen}`,
    `--advertise-address=${address}`,
    `--secure-port=${port}`,
    "--service-cluster-ip-range=10.96.0.0/16",
    "--authorization-mode=RBAC,Node",
    `--tls-cert-file=${certificateDir}/server.crt`,
    `--tls-private-key-file=${certificateDir}/server.key`,
    `--token-auth-file=${dir}/tokens.csv`,
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${dir}/service-account.pub`,
    `--service-account-signing-key-file=${dir}/service-account.key`,
    "--profiling=false",
  ];
}
