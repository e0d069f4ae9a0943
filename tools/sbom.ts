import type { Package } from "./bundled.ts";

/** A package with what a bill of materials says of it. */
export interface Material extends Package {
  /** SPDX expression. */
  readonly license: string;
  /** As in the lock file: `sha512-` and base64. */
  readonly integrity?: string | undefined;
}

/**
 * A software bill of materials, CycloneDX 1.6 in JSON. It has no time and no serial number, so that
 * the same program has the same one.
 */
export function cycloneDx(
  { version, deno, sha256, materials }: {
    version: string;
    deno: string;
    /** Of the program, hexadecimal. */
    sha256: string;
    materials: readonly Material[];
  },
): unknown {
  const self = `pkg:generic/classvip@${version}`;
  const runtime = `pkg:github/denoland/deno@v${deno}`;
  const libraries = materials.map(({ registry, name, version, license, integrity }) => {
    const purl = registry === "npm"
      ? `pkg:npm/${name.replace("@", "%40")}@${version}`
      : `pkg:generic/${encodeURIComponent(`jsr:${name}`)}@${version}`;
    return {
      type: "library",
      "bom-ref": purl,
      name,
      version,
      purl,
      licenses: [licenseOf(license)],
      ...integrity !== undefined && {
        hashes: [{ alg: "SHA-512", content: hex(integrity.replace(/^sha512-/, "")) }],
      },
    };
  });
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: {
        type: "application",
        "bom-ref": self,
        name: "classvip",
        version,
        purl: self,
        licenses: [licenseOf("Apache-2.0")],
        hashes: [{ alg: "SHA-256", content: sha256 }],
      },
    },
    components: [
      {
        type: "platform",
        "bom-ref": runtime,
        name: "deno",
        version: deno,
        purl: runtime,
        licenses: [licenseOf("MIT")],
      },
      ...libraries,
    ],
    dependencies: [
      { ref: self, dependsOn: [runtime, ...libraries.map((one) => one["bom-ref"])] },
    ],
  };
}

function licenseOf(text: string) {
  return /[\s()]/.test(text) ? { expression: text } : { license: { id: text } };
}

function hex(base64: string): string {
  return Array.from(atob(base64), (char) => char.charCodeAt(0).toString(16).padStart(2, "0"))
    .join("");
}
