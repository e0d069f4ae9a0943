/** A server's certificate, its PKCS #8 key and the certificate of the authority that signed it, all PEM. */
export interface ServerCertificate {
  cert: string;
  key: string;
  caCert: string;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const OID = {
  commonName: [0x55, 0x04, 0x03],
  basicConstraints: [0x55, 0x1d, 0x13],
  subjectAltName: [0x55, 0x1d, 0x11],
  ecdsaWithSha256: [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
} as const;

/**
 * Makes a throw-away authority and a server certificate, so that neither the openssl program nor a
 * private key in the repository is needed, and every address of the lab can be named (RFC 5280).
 *
 * @param names DNS names and IP addresses of the server.
 */
export async function makeServerCertificate(names: string[]): Promise<ServerCertificate> {
  const authority = await generateKey();
  const server = await generateKey();
  const caCert = await certificate("test authority", authority, authority, [
    extension(OID.basicConstraints, sequence(der(0x01, [0xff]))),
  ]);
  const altNames = names.map((name) => {
    const ip = ipBytes(name);
    return ip ? der(0x87, ip) : der(0x82, new TextEncoder().encode(name));
  });
  const cert = await certificate("test server", server, authority, [
    extension(OID.subjectAltName, sequence(...altNames)),
  ]);
  return { cert, key: await exportKey(server), caCert };
}

/** A PEM key pair (P-256), for example to sign service-account tokens with. */
export async function makeKeyPair(): Promise<{ privateKey: string; publicKey: string }> {
  const pair = await generateKey();
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("spki", pair.publicKey));
  return { privateKey: await exportKey(pair), publicKey: pem("PUBLIC KEY", publicKey) };
}

async function generateKey(): Promise<CryptoKeyPair> {
  return await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]) as CryptoKeyPair;
}

async function exportKey(pair: CryptoKeyPair): Promise<string> {
  return pem(
    "PRIVATE KEY",
    new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey)),
  );
}

async function certificate(
  subject: string,
  subjectKey: CryptoKeyPair,
  issuerKey: CryptoKeyPair,
  extensions: Uint8Array[],
): Promise<string> {
  const algorithm = sequence(der(0x06, OID.ecdsaWithSha256));
  const serial = crypto.getRandomValues(new Uint8Array(8));
  serial[0] = serial[0]! & 0x3f | 0x40; // positive, no leading zero byte
  const tbs = sequence(
    der(0xa0, der(0x02, [2])), // v3
    der(0x02, serial),
    algorithm,
    distinguishedName("test authority"),
    sequence(der(0x17, ascii("200101000000Z")), der(0x17, ascii("491231235959Z"))),
    distinguishedName(subject),
    new Uint8Array(await crypto.subtle.exportKey("spki", subjectKey.publicKey)),
    der(0xa3, sequence(...extensions)),
  );
  const raw = await crypto.subtle.sign(ALGORITHM, issuerKey.privateKey, tbs.slice());
  // WebCrypto signs in the fixed-width form, X.509 wants a DER sequence of two integers (RFC 3279).
  const [r, s] = [new Uint8Array(raw, 0, 32), new Uint8Array(raw, 32, 32)];
  const signature = sequence(integer(r!), integer(s!));
  return pem("CERTIFICATE", sequence(tbs, algorithm, der(0x03, [0], signature)));
}

function distinguishedName(name: string): Uint8Array {
  return sequence(der(0x31, sequence(der(0x06, OID.commonName), der(0x0c, ascii(name)))));
}

function extension(oid: readonly number[], value: Uint8Array): Uint8Array {
  return sequence(der(0x06, oid), der(0x04, value));
}

function sequence(...parts: Uint8Array[]): Uint8Array {
  return der(0x30, ...parts);
}

function integer(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  const value = bytes.subarray(first);
  return value[0]! >= 0x80 ? der(0x02, [0], value) : der(0x02, value);
}

function der(tag: number, ...parts: ArrayLike<number>[]): Uint8Array {
  const body = parts.flatMap((part) => Array.from(part));
  const size = body.length;
  const length = size < 0x80
    ? [size]
    : size < 0x100
    ? [0x81, size]
    : [0x82, size >> 8, size & 0xff];
  return Uint8Array.from([tag, ...length, ...body]);
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The bytes of an IP address without a zone; `undefined` for anything else. */
function ipBytes(text: string): number[] | undefined {
  if (/^\d+(\.\d+){3}$/.test(text)) return text.split(".").map(Number);
  if (!text.includes(":")) return undefined;
  const [head, tail] = text.split("::").map((half) => half.split(":").filter(Boolean));
  const groups = tail === undefined
    ? head!
    : [...head!, ...Array(8 - head!.length - tail.length).fill("0"), ...tail];
  return groups.flatMap((group) => {
    const value = parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

function pem(label: string, bytes: Uint8Array): string {
  const base64 = btoa(String.fromCharCode(...bytes)).replace(/.{64}/g, "$&\n").trimEnd();
  return `-----BEGIN ${label}-----\n${base64}\n-----END ${label}-----\n`;
}
