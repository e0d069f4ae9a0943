import { KubeError } from "./errors.ts";

/** What Deno's fetch says (in the error or its cause), and what it means to an administrator. */
const meanings: readonly (readonly [RegExp, string])[] = [
  [
    /UnknownIssuer/,
    "its certificate is signed by an unknown authority; give the right certificate-authority in the kubeconfig",
  ],
  [/certificate not valid for name/i, "its certificate does not name this host"],
  [/certificate expired|invalid peer certificate: Expired/i, "its certificate has expired"],
  [/NotValidYet|not valid yet/i, "its certificate is not valid yet; is this node's clock right?"],
  [/received fatal alert/i, "it refuses the TLS handshake; is the client certificate right?"],
  [/invalid peer certificate/i, "its certificate is not valid"],
  [/InvalidContentType/, "it does not speak TLS there; should the URL begin with http://?"],
  [/dns error/i, "its name cannot be resolved"],
  [/connection refused/i, "connection refused, nothing listens there"],
  [/network is unreachable|no route to host/i, "there is no route to it"],
  [
    /connection closed|connection reset|reading a body|broken pipe|unexpected eof|unexpected end of file/i,
    "the connection was closed before the answer was complete",
  ],
];

/** The error for a request whose connection failed. */
export function unreachable(server: string, error: unknown): KubeError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : undefined;
  const detail = cause?.message ?? (error instanceof Error ? error.message : String(error));
  const meaning = meanings.find(([pattern]) => pattern.test(detail))?.[1];
  return new KubeError(
    `API server ${server} cannot be reached: ${
      meaning === undefined ? detail : `${meaning} (${detail})`
    }`,
    { status: 0, reason: "Unreachable", cause: error },
  );
}
